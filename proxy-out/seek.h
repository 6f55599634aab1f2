/* SPDX-License-Identifier: Apache-2.0
 *
 * seek - finds servers for one domain of one transaction, one after the other, within the
 * route's deadline: asks, decides, takes a connection that is kept or tries a new one.
 */
#pragma once

#include "remote/attempt.h"
#include "way/known.h"
#include "proxy-out/handed.h"
#include "proxy-out/worker.h"

struct seek {
    struct worker *worker;       /* borrowed */
    const char *session;         /* its id, for the log; borrowed */
    const struct handed *handed; /* borrowed */
    watch_fn *fn;
    void *arg;
    enum {
        SEEK_FINDS,
        SEEK_LEARNS, /* what there is to know of the next candidate */
        SEEK_WAITS,  /* for a place among the domain's connections */
        SEEK_TRIES,
        SEEK_FOUND, /* `up` is there to be taken */
        SEEK_NONE,  /* `fail` says why, `remote` where */
    } is;
    unsigned transaction;
    char domain[IDNA_NAME];
    const struct domain *rule;      /* the settings', */
    const struct rollup_mx *rollup; /* and what led to it; NULL: the domain itself */
    struct demand demand;
    struct tls *tls; /* borrowed */
    struct addr v4, v6;
    bool has_v4, has_v6; /* where to connect from */
    double began, deadline;
    struct alarm alarm;
    size_t at;              /* the next candidate, */
    struct known known;     /* and what is known of it */
    char key[UPSTREAM_KEY]; /* under which it is taken, tried and kept */
    struct attempt *attempt;
    struct quota *quota; /* a place that is held for the attempt */
    struct waiter waiter;
    struct upstream *up; /* ours until it is taken */
    bool reused;         /* it was kept */
    bool fresh;          /* one that was kept was of no use: the next is to be new */
    enum fail fail;
    struct remote remote;
    struct find find; /* large: the last */
};

/* NULL: no memory. `fn` is called from the loop when it is found or there is none; that may
 * also be so at once. */
struct seek *seek_new(struct worker *w, const char *session, const struct handed *handed,
                      const char *domain, unsigned transaction, watch_fn *fn, void *arg);
void seek_free(struct seek **k);

/* SEEK_FOUND: the upstream is yours, and the next will be sought when seek_next() is called.
 * seek_again() is for a kept one that turned out to be of no use: the same server once more, on a
 * new one. */
struct upstream *seek_take(struct seek *k);
void seek_next(struct seek *k);
void seek_again(struct seek *k);

/* Is there another server behind the one that was found? */
bool seek_has_more(const struct seek *k);
