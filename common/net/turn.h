/* SPDX-License-Identifier: Apache-2.0
 *
 * turn - what the sessions do for whom a round of the loop brought something.
 *
 * A session by itself reads, thinks, encrypts and sends; and with each of these the processor
 * fetches other code, of the kernel, of OpenSSL, of ours, from memory that is slow. So all that
 * are ready read first, then each takes its step, and then all that they said is sent: 3 to 5 % of
 * a small message, with many sessions at once (doc/PERFORMANCE.md). One alone does as ever.
 *
 * On an event: conn_fetch(), then turn_join(). The owner's `step` is called soon, with its
 * connections corked; and once more, not corked, where `uncork` says that not all went out.
 */
#pragma once

#include <stdbool.h>
#include <sys/queue.h>

#include "net/loop.h"

/* Part of who takes turns. */
struct turn_place {
    TAILQ_ENTRY(turn_place) link;
    struct turn_list *in; /* NULL: in none */
};

struct turn_list {
    TAILQ_HEAD(turn_places, turn_place) all;
    unsigned count;
};

struct turn_faces {
    void (*cork)(struct turn_place *p);
    void (*step)(struct turn_place *p);   /* may end it, with turn_leave() */
    bool (*uncork)(struct turn_place *p); /* all of it went out */
};

struct turn {
    const struct turn_faces *faces; /* borrowed */
    struct event at_end;
    struct turn_list ready, said;
    bool takes_place;
};

/* Until `base` is freed. */
void turn_init(struct turn *t, struct event_base *base, const struct turn_faces *faces);

/* Does nothing where it waits already. With that a full turn takes place at once; so it is called
 * where a session is told of something, and not inside of a step. */
void turn_join(struct turn *t, struct turn_place *p);

/* Will it take a step? What came for it may not have been looked at yet. */
static inline bool turn_waits(const struct turn_place *p)
{
    return p->in;
}

/* It takes place now: before something that is long, such as a handshake. Whoever calls it may be
 * over then, unless it left before. */
void turn_take(struct turn *t);

/* False: it had not joined. */
bool turn_leave(struct turn_place *p);
