/* SPDX-License-Identifier: Apache-2.0
 *
 * hold - what a session has of one lane: the search for a server, and the connection to it; and
 * how long a server may take, each for itself.
 */
#pragma once

#include "proxy-out/relay/patience.h"
#include "proxy-out/relay/relay.h"
#include "proxy-out/seek.h"
#include "proxy-out/story.h"

struct hold {
    struct worker *worker; /* these are borrowed */
    struct relay *relay;
    const char *session; /* its id */
    const struct handed *handed;
    struct story **story;
    watch_fn *fn; /* of the session, when there is something to do */
    void *arg;
    unsigned lane;
    struct seek *seek;   /* ours; NULL: none in this transaction */
    struct upstream *up; /* ours; the lane's */
    bool sated;          /* nothing more is to be read until the loop says so */
    bool ended;          /* it said its last */
    unsigned first;      /* the ticket that it would answer next when it was taken */
    uint64_t out;        /* bytes that went */
    enum server_owes owes;
    uint64_t mark;           /* progress in that */
    double deadline, dot_at; /* 0: none; not yet */
    struct pledge pledge;    /* that its row is on the disk */
};

/* NULL: no memory. To free is to let the upstream go, whatever was going on. */
struct hold *hold_new(struct worker *w, struct relay *r, unsigned lane, const char *session,
                      const struct handed *handed, struct story **story, watch_fn *fn, void *arg);
void hold_free(struct hold **h);

/* From the wire to the dial, and what relay has for the wire. Both add to `moved`. */
void hold_pull(struct hold *h, size_t *moved);
void hold_push(struct hold *h, size_t *moved);

/* Takes away what the lane left, and finds what it seeks. True if the relay has news. */
MUST bool hold_tend(struct hold *h);

/* Behind what is spooled: waits for the disk, if the answer does. */
void hold_record(struct hold *h);

/* What the loop should wake us for; and until when it must have moved on. */
void hold_plan(struct hold *h);

/* As turn.h has it, of its connection. */
void hold_cork(struct hold *h);
bool hold_uncork(struct hold *h);

/* Its time is up: the lane is lost. False: it is not. */
bool hold_give_up(struct hold *h, double now);
