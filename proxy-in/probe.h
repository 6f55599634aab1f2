/* SPDX-License-Identifier: Apache-2.0
 *
 * probe - does the backend relay for a foreign address?
 *
 * With `identity none` the mail server takes every client for the address that we connect
 * from. If it trusts that address (Postfix trusts all of 127.0.0.0/8 by default), our listener
 * would be an open relay. So before such a listener serves, the probe asks the live backend, and
 * again every hour: a recipient of a foreign domain must be refused.
 */
#pragma once

#include "side.h"
#include "run/settings.h"
#include "smtp/dial.h"

struct probe;

/* A verdict, also where there is none: `why` then says what was said, or what went wrong. */
typedef void probe_fn(void *arg, bool safe, const char *why);

/* Asks `backend` now and then every hour, and every PROBE_AGAIN seconds until the answer is good.
 * NULL: no memory. */
enum { PROBE_EVERY = 3600, PROBE_AGAIN = 10 };
struct probe *probe_new(struct event_base *base, const struct backend *backend,
                        const char *host_name, probe_fn *tell, void *arg);
void probe_free(struct probe **p);

/* The conversation, without a socket. */
struct probing {
    struct dial dial;
    enum { PROBING_GREETING, PROBING_EHLO, PROBING_MAIL, PROBING_RCPT, PROBING_OVER } asks;
    bool safe;
    char why[256];
};

void probing_init(struct probing *p);
void probing_clear(struct probing *p);

/* Takes in what `dial` has heard; false: it is over, and `safe` and `why` are good. */
MUST bool probing_goes_on(struct probing *p, const char *host_name);
