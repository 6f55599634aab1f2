/* SPDX-License-Identifier: Apache-2.0
 *
 * patience - until when a server must have moved on. Pure.
 *
 * It is less than our client has for what it waits for meanwhile (RFC 5321, 4.5.3.2, which Postfix
 * and others keep: RCPT 300 s, DATA 120 s, the message 600 s), so that it hears of it before it
 * goes.
 */
#pragma once

#include "rule/domain.h"

/* Seconds for a place among the domain's connections. */
enum { PATIENCE_WAIT = 60 };

enum server_owes {
    OWES_NOTHING, /* also while none is found: that has its own deadline */
    OWES_REPLY,   /* to MAIL or RCPT */
    OWES_DATA,    /* to DATA */
    OWES_BODY,    /* it is to take more of the message */
    OWES_LAGS,    /* likewise, and others wait for it */
    OWES_FINAL,   /* its answer to the message */
};

struct patience {
    enum server_owes owes;
    const struct domain *rule; /* NULL: none is known */
    double rcpt_at; /* when our client said its first RCPT and began to wait; 0: it has heard */
    bool lmtp;
    double dot_at; /* when our client said its dot; 0: not yet */
};

/* From `now` on, when it began to owe that or made its last progress. 0: without end. */
double patience_until(const struct patience *p, double now);
