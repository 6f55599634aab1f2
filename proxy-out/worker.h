/* SPDX-License-Identifier: Apache-2.0
 *
 * worker - what the sessions of one process share. All of it belongs to server.c.
 */
#pragma once

#include <sys/queue.h>

#include "keep/hints.h"
#include "net/turn.h"
#include "net/watch.h"
#include "way/ask.h"
#include "proxy-out/teller.h"
#include "remote/manners.h"
#include "way/own.h"
#include "proxy-out/kept/pool.h"
#include "proxy-out/kept/broken.h"
#include "proxy-out/kept/resume.h"
#include "proxy-out/relay/transaction.h"
#include "conf/settings.h"
#include "sync/commit.h"
#include "tell/spool.h"

struct session;

struct worker {
    struct event_base *base;
    const struct settings *settings;
    char greeting[320]; /* RELAY_GREETING */
    const struct manners *manners;
    struct line *line;
    struct teller *teller;
    struct hints *hints; /* of queue ids under which something is told; borrowed */
    struct seen *seen;
    struct pool *pool;
    struct resume *resume;
    struct broken *broken;    /* where TLS broke lately */
    struct broken *unreached; /* and where nobody answered: reach.h */
    struct own own;
    bool has_key;
    uint64_t key[2];       /* of ENVID, shared with the milter */
    struct spool *spool;   /* NULL: nothing is recorded */
    struct commit *commit; /* NULL: nobody waits for the disk */
    LIST_HEAD(sessions, session) sessions;
    unsigned long count; /* of them */
    struct turn turn;    /* for whom the loop had something */
    bool draining;
    unsigned untold_attempts; /* without a record, since the log said so */
    double told_full;         /* then; 0: never */
    bool told_source;         /* that a PROXY header named an address that is not ours */
};

/* Which queue ids are believed of who comes by this listener. */
void worker_ids(const struct worker *w, const struct relay_listener *l, struct ids *out);

/* A session is over, and its descriptors are free. */
void worker_left(struct worker *w);
