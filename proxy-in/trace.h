/* SPDX-License-Identifier: Apache-2.0
 *
 * trace - the Received line that is put before a message (add-received-header).
 *
 * RFC 5321, 4.4, with the words of RFC 3848 and RFC 6531 for the protocol. What the client chose
 * (its name, what its certificate says) stays where it belongs: no line, comment or field can be
 * begun or ended by it.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "rule/facts.h"

/* All borrowed. */
struct trace {
    const char *helo; /* NULL: none */
    struct addr client;
    const struct tls_facts *tls; /* NULL: in the clear */
    const char *host, *session;
    bool extended;      /* it said EHLO */
    bool authenticated; /* the mail server took its login */
    bool utf8;          /* MAIL had SMTPUTF8 */
};

/* The longest that comes of it. */
enum { TRACE_MAX = 1536 };

/* The whole field with its line ends; no line is beyond 998 bytes, nor beyond 78 where the client's
 * words are short. False: it does not fit. */
MUST bool trace_make(struct buf *to, const struct trace *t, double now);
