/* SPDX-License-Identifier: Apache-2.0
 *
 * seat - the place of one child: who sits there, and what comes next for it.
 *
 * A socket pair joins master and child: a byte from the child says that it is ready, the end
 * from the master says that it should drain. So a master's death says it too; therefore no
 * other process may hold the master's end.
 */
#pragma once

#include <sys/types.h>

#include "base/span.h"

/* In the order of a life. */
enum seat_state {
    SEAT_EMPTY,    /* nobody, and nobody will come */
    SEAT_DUE,      /* to be started at `at` */
    SEAT_STARTING, /* alive, not ready; must be by `at` */
    SEAT_SERVING,
    SEAT_DRAINING, /* told so; SIGTERM at `at` */
    SEAT_ENDING,   /* SIGTERM was sent; SIGKILL at `at` */
    SEAT_KILLED,
};

enum { SLOT_NONE = -1 };

struct brood;
struct generation;
struct role;

struct seat {
    enum seat_state state;
    struct generation *of;
    const struct role *role;
    unsigned number;
    int slot; /* kept while the seat is not empty, so that a restart finds the same one */
    pid_t pid;
    int orders;     /* ours; the child has the other end. -1: none */
    double at;      /* when the next thing is due */
    double started; /* the child that sits here now, or did last */
    double pause;   /* before the next restart */
};

static inline bool seat_is_alive(const struct seat *s)
{
    return s->state >= SEAT_STARTING;
}

/* Does what is due: starts, ends, kills. In the child it does not return. */
void seat_step(struct seat *s, struct brood *b, double now);
double seat_due(const struct seat *s, const struct brood *b);

/* Its descriptor is readable. */
void seat_hear(struct seat *s);

/* Its child is dead, of `status` (waitpid). */
void seat_bury(struct seat *s, struct brood *b, int status, double now);

/* Each takes a life further, and never back: nothing if it is there already. */
void seat_drain(struct seat *s, double now);
void seat_end(struct seat *s, double now);
void seat_kill(struct seat *s);
