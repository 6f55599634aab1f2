/* SPDX-License-Identifier: Apache-2.0
 *
 * worker - what the sessions of one process share. All of it belongs to server.c.
 */
#pragma once

#include "entries.h"
#include "net/loop.h"
#include "net/turn.h"
#include "slots.h"
#include "station.h"
#include "sync/commit.h"
#include "tell/spool.h"

struct gates;
struct tls;
struct session;
struct receipts;

/* A listener. */
struct gate {
    struct worker *worker;
    const struct smtp_listener *listener;
    struct station *station;
    struct relay_house house;
    struct tls *tls;         /* borrowed; NULL: none */
    struct tls *backend_tls; /* borrowed; NULL: the backend is spoken to in the clear */
    int fd;                  /* borrowed */
    struct gates *all;
    struct event watch;
    bool watched; /* the loop looks for clients */
    bool awaits;  /* it does not before a slot is free */
};

struct worker {
    struct event_base *base;
    const struct settings *settings;
    struct entries entries;
    struct spool *spool;       /* NULL: nothing is recorded */
    struct receipts *receipts; /* into it; NULL likewise */
    struct commit *commit;     /* NULL: nobody waits for the disk */
    LIST_HEAD(sessions, session) sessions;
    unsigned long count; /* of them */
    struct turn turn;    /* for whom the loop had something */
    struct slots slots;
    bool draining;
};

/* A session is over, and its descriptors are free. */
void worker_left(struct worker *w);
