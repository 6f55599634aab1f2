/* SPDX-License-Identifier: Apache-2.0
 *
 * memo - duplicate-memory in a session: asks what recall.h wants, tells the notes, and finds out
 * whether the mail server heard.
 *
 * It did if it says something after our reply went out that it cannot have said before; the end
 * of its connection proves nothing, since something may stand between. Who is remembered for
 * nothing does no harm.
 */
#pragma once

#include "way/ask.h"
#include "proxy-out/sent.h"
#include "proxy-out/teller.h"

struct session;

struct memo {
    struct recollection *asking; /* ours; while it is asked */
    struct told *told;           /* ours: what the mail server has not been seen to hear, */
    bool replied;                /* of which the reply went out */
};

/* Asks if the relay wants it, and tells; behind what is spooled. */
void memo_tend(struct session *s);

/* All that we had to say has gone out; and the client has said something. */
void memo_said(struct session *s);
void memo_heard(struct session *s);

void memo_clear(struct session *s);
