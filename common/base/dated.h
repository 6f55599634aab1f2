/* SPDX-License-Identifier: Apache-2.0
 *
 * dated - something of ours that is good until a day, such as a certificate. Whoever has it shows
 * it; whoever logs says when its day is near (run/expiry.h).
 */
#pragma once

#include <stdbool.h>
#include <time.h>

struct dated {
    const char *kind;  /* "certificate", "OCSP response" */
    const char *file;  /* where it comes from */
    const char *names; /* whom it is for; "" for what has no names of its own */
    time_t until;      /* 0: for ever */
    bool warns;        /* its end is worth a warning days ahead; else it is told when it comes */
    const char *flaw;  /* NULL; or why it is not used, with the remedy */
};

/* Texts live as long as what shows them. */
typedef void dated_fn(void *arg, const struct dated *d);
