/* SPDX-License-Identifier: Apache-2.0
 *
 * memo - duplicate-memory in a session: asks what recall.h wants, tells the notes, and finds out
 * whether the mail server heard.
 *
 * It did for sure where it goes on to send the next message: our 354 was behind that reply. It
 * did most likely where its end was in order and its kernel has acknowledged all that we said:
 * only something that stands between could have heard it instead. Other commands prove nothing,
 * for they may be said ahead (RFC 2920, 3.1), as Postfix and Exim say QUIT with the dot. Who is
 * remembered for nothing does no harm.
 */
#pragma once

#include "way/ask.h"
#include "proxy-out/relay/sent.h"
#include "proxy-out/teller.h"

struct session;

struct memo {
    struct recollection *asking; /* ours; while it is asked */
    struct told *told;           /* ours: what the mail server has not been seen to hear, */
    bool replied;                /* of which the reply went out, */
    bool invited;                /* and behind it the 354 for the next message */
};

/* Asks if the relay wants it, and tells; behind what is spooled. */
void memo_tend(struct session *s);

/* All that we had to say has gone out. */
void memo_said(struct session *s);

/* Not all of it, as it turns out. memo_said() comes again. */
void memo_unsaid(struct session *s);

/* The client has said something. */
void memo_heard(struct session *s);

void memo_clear(struct session *s);
