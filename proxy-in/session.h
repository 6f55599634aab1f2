/* SPDX-License-Identifier: Apache-2.0
 *
 * session - a relay with sockets, a clock and an end.
 *
 * Every event does the same: the step of its phase (phase.c) moves what can be moved, then
 * plan() asks the loop for exactly what is missing. A session frees itself, in one place,
 * at the end of a step. Those who are ready in one round of the loop take it together
 * (net/turn.h).
 */
#pragma once

#include "pace.h"
#include "side.h"
#include "worker.h"

enum phase {
    PHASE_HEAD,       /* a load balancer says who the client is */
    PHASE_SHAKE,      /* the client's TLS handshake */
    PHASE_CONNECT,    /* the backend's connection comes about */
    PHASE_SECURE,     /* its TLS handshake */
    PHASE_TALK,       /* it is the client's turn */
    PHASE_MESSAGE,    /* a message comes */
    PHASE_ANSWER,     /* it is the backend's turn */
    PHASE_RECORD,     /* what was received is not on the disk yet */
    PHASE_LAST_WORDS, /* what is said goes out, then both are closed */
    PHASE_OVER,
};

struct session {
    LIST_ENTRY(session) link;
    struct turn_place turn;
    struct gate *gate; /* borrowed */
    struct id id;
    enum phase phase;
    struct side client, backend;
    struct station_server *server; /* borrowed; where the backend's connection goes; NULL: none */
    const char *went;              /* borrowed; the last of them, for the log */
    uint64_t tried;                /* servers, as bits, that were called for the request ... */
    unsigned tried_for;            /* ... of this ticket */
    unsigned moves;                /* from one server to another */
    struct relay relay;
    struct addr via;        /* the load balancer; only with proxy-protocol-from */
    struct buf head;        /* its header as far as it came, and then the TLVs of that */
    struct facts_kept *tls; /* ours; NULL in the clear */
    struct entry *entry;    /* ours */
    struct pledge pledge;   /* that its records are on the disk */
    double began, since;    /* of the session, of what it does now */
    float shook, spoke;     /* seconds: of the handshake; from the beginning to the first command */
    double deadline, alarm; /* when that must be done; when `limit` fires, 0: it does not */
    struct pace pace;
    uint64_t mark;      /* what moved since, to tell progress */
    const char *broke;  /* what the socket or TLS says of a failure */
    unsigned slots;     /* bits of slots.h: what it holds */
    unsigned told;      /* rules that are only reported, of which a line said so */
    enum phase did;     /* before it came to its end */
    bool listed : 1;    /* it is or was in the session table */
    bool ended : 1;     /* the client says no more */
    bool finished : 1;  /* we say no more to it */
    bool paced : 1;     /* we wait for the client, with a message under way */
    bool busy : 1;      /* it stopped moving only to let others have their turn */
    struct event limit; /* last, for a step seldom looks at it */
};

/* `fd` is ours from here, and the slots that are held for it. */
void session_start(struct gate *gate, int fd, const struct addr *client, unsigned slots);

/* The load balancer has said who the client is. The next phase comes back. */
enum phase session_introduce(struct session *s, const struct addr *client, const struct addr *at);

extern const struct turn_faces session_faces;

/* From the loop: something is to be done. */
void session_step(struct session *s);

/* While the worker drains: ends sessions in which nothing has gone on for some seconds. */
void sessions_drain(struct worker *w, double now);
