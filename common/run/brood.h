/* SPDX-License-Identifier: Apache-2.0
 *
 * brood - the children of a master, in generations.
 *
 * A generation is what one reading of the configuration made: settings, what was prepared
 * from them, and a seat for each child. It comes (its children start beside the old ones),
 * takes over (the old ones drain; exclusive roles start as the old ones go), serves, and
 * leaves. What happens to children is here; when to reload or stop is daemon.c's.
 */
#pragma once

#include "base/span.h"
#include "run/cage.h"
#include "run/daemon.h"
#include "run/seat.h"

enum generation_phase { GENERATION_COMES, GENERATION_TAKES, GENERATION_SERVES, GENERATION_LEAVES };

struct generation {
    struct generation *older;
    unsigned number;
    enum generation_phase phase;
    bool failed;               /* a child died before this generation could serve */
    struct settings *settings; /* ours */
    void *prepared;            /* ours, by the program's discard() */
    struct cage cage;
    struct seat *seats; /* ours */
    size_t count;
};

struct brood {
    const struct program *program;
    struct generation *newest; /* ours, with all the older ones */
    unsigned generations;      /* that ever were */
    bool has_served;           /* else a failure is one of the start */
    int loop; /* ours: epoll of the master; data.ptr is a seat to call seat_hear() for */
    void (*in_child)(void *arg); /* right after fork: drop what is only the master's */
    void *arg;
};

/* False: no descriptors. */
MUST bool brood_init(struct brood *b, const struct program *program, void (*in_child)(void *arg),
                     void *arg);
/* For tests and the end: all children must be gone. */
void brood_clear(struct brood *b);

/* A generation that comes. Settings and prepared are its own from here, but not if there is
 * no memory for it: then false. */
MUST bool brood_add(struct brood *b, struct settings *settings, void *prepared,
                    const struct cage *cage);

/* No new generation now: one is still coming, or too many still leave. */
bool brood_is_full(const struct brood *b);
bool brood_is_changing(const struct brood *b);

/* The generation that serves, or leaves last; NULL: none. */
struct generation *brood_current(const struct brood *b);

enum brood_news { BROOD_NO_NEWS, BROOD_SERVES, BROOD_FAILED };

/* Starts, ends and frees what is due. Call after anything happened. In the children it
 * does not return. */
enum brood_news brood_step(struct brood *b, double now);

/* When to step again though nothing happens. */
double brood_due(const struct brood *b);

/* Children died (SIGCHLD). */
void brood_bury(struct brood *b, double now);

/* All should drain; or end by SIGTERM; or by SIGKILL. */
void brood_drain(struct brood *b, double now);
void brood_end(struct brood *b, double now);
void brood_kill(struct brood *b);
