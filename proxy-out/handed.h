/* SPDX-License-Identifier: Apache-2.0
 *
 * handed - where the mail server meant a connection to go, before it came here instead.
 *
 * hand-over = original-destination: netfilter knows (REDIRECT), or the connection's own address
 * says it (TPROXY). hand-over = proxy-header: a PROXY header comes before all else, whose
 * destination is the server, and whose source is the address to call it from.
 */
#pragma once

#include "base/buf.h"
#include "conf/settings.h"
#include "net/conn.h"
#include "proxy-out/reason.h"
#include "way/route.h"

struct handed {
    struct addr to;   /* port 0: nowhere; the servers are ours to find */
    struct addr from; /* to call it from */
    bool has_from;    /* a header said so, and it is ours to use */
};

enum handed_got {
    HANDED_LATER,   /* more of the header must come */
    HANDED_WELL,    /* `to` is known, or not asked for */
    HANDED_REFUSED, /* no mail is taken, which may be said */
    HANDED_SPOILT,  /* no header, or the end: nothing may be said */
};

/* Why, and a sentence with the remedy, static; NULL where nobody needs to do anything. */
struct handed_why {
    enum reason why;
    const char *remedy;
};

/* The header did not come in time. */
extern const struct handed_why handed_late;

/* Of a connection that has just come to `l`. HANDED_LATER: only where a header is to come. */
MUST enum handed_got handed_accepted(struct handed *h, const struct relay_listener *l,
                                     const struct conn *c, const struct own *own,
                                     struct handed_why *why);

/* Reads on; `head` keeps what came. */
MUST enum handed_got handed_hear(struct handed *h, struct conn *c, struct buf *head,
                                 const struct own *own, struct handed_why *why);
