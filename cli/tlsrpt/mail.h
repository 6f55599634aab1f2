/* SPDX-License-Identifier: Apache-2.0
 *
 * mail - a report as a mail (RFC 8460, 5.3; RFC 6522). Pure.
 *
 * Signing it (DKIM) is for the mail server that takes it. No line begins with a dot.
 */
#pragma once

#include <time.h>

#include "cli/tlsrpt/daily.h"

struct mail {
    const struct reporter *by;
    const char *from, *to; /* addresses */
    const char *domain;    /* that the report is about */
    struct span packed;    /* the report */
    uint64_t good, failed;
    time_t now;
};

/* With CRLF, without the lone dot. False: no memory, or it does not fit. */
MUST bool mail_write(struct buf *to, const struct mail *m);

/* Who is told apart by it: day, domain and recipient. */
uint64_t mail_number(const struct mail *m);
