/* SPDX-License-Identifier: Apache-2.0
 *
 * session - a relay with sockets, a clock and an end.
 *
 * Every event does the same: step() moves what can be moved, then plan() asks the loop for
 * exactly what is missing. What must be in the spool is there before anything goes out. A
 * session frees itself, in one place, at the end of a step. Those who are ready in one round
 * of the loop take it together (net/turn.h).
 */
#pragma once

#include "net/conn.h"
#include "proxy-out/hold.h"
#include "proxy-out/reason.h"
#include "proxy-out/memo.h"

enum phase {
    PHASE_HEAD,       /* a PROXY header is to come */
    PHASE_TALK,       /* it is the client's turn */
    PHASE_MESSAGE,    /* likewise, for more of a message */
    PHASE_SERVERS,    /* servers are looked for, or are to say something: see hold.h */
    PHASE_RECORD,     /* what became of a message is not on the disk yet */
    PHASE_LAST_WORDS, /* what is said goes out, then the client's connection is closed */
    PHASE_OVER,
};

/* What is going on, for the log. */
const char *phase_doing(enum phase phase);

struct session {
    LIST_ENTRY(session) link;
    struct turn_place turn;
    struct worker *worker;
    const struct relay_listener *listener; /* borrowed from the settings */
    struct id id;
    struct addr at;
    struct conn conn;
    struct handed handed;
    struct buf head; /* what came of a PROXY header */
    struct watch watch;
    struct alarm alarm, again;
    double since, deadline, alarm_at; /* of this phase; alarm_at: when `alarm` fires; 0: not set */
    enum phase phase;
    uint64_t mark; /* progress in this phase */
    struct relay relay;
    struct hold *hold[RELAY_LANES]; /* ours; one for each lane */
    unsigned holds;
    struct memo memo;
    uint64_t in;
    struct story *story; /* ours; NULL: no server was sought */
    double began;
    enum phase did;  /* what was going on when it ended */
    enum reason why; /* it ends */
    bool lmtp;       /* it speaks that */
    bool sated;      /* nothing more is to be read until the loop says so */
    bool ended;      /* the client says no more */
    bool gone;       /* and hears no more */
    bool finished;   /* we say no more */
};

/* `fd` is ours from here. */
void session_start(struct worker *w, const struct relay_listener *listener, int fd,
                   const struct addr *client);

/* Something is to be done. `arg` is the session. */
void session_step(void *arg);

/* The same, with its turn (turn.h), soon. */
void session_ready(void *arg);

extern const struct turn_faces session_faces;

/* While the worker drains: ends sessions that have said nothing for some seconds. */
void sessions_drain(struct worker *w);
