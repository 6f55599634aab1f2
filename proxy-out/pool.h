/* SPDX-License-Identifier: Apache-2.0
 *
 * pool - connections that are kept for the next message, and how many there may be to a domain.
 *
 * A connection is used again only under its whole key (key.h); "" is none. A pool is one process's,
 * of one configuration.
 */
#pragma once

#include <sys/queue.h>

#include "way/route.h"
#include "remote/upstream.h"
#include "rule/domain.h"

struct pool;
struct pool *pool_new(struct event_base *base);

/* Closes what is kept. Nobody may wait or hold a place any more. */
void pool_free(struct pool **p);

/* Room for one more connection to the domain, of `most`: the place, until pool_leave(). NULL:
 * none. Of connections that are kept for the domain one is closed to make room. */
struct quota *pool_enter(struct pool *p, const char *domain, unsigned long most);
void pool_leave(struct quota *q);

/* Who waits for a place is called from the loop when it is worth to try again, first come first
 * served. pool_forget() where it does not wait any more. */
struct waiter {
    TAILQ_ENTRY(waiter) link;
    watch_fn *fn;
    void *arg;
    bool waits;
};
void pool_wait(struct pool *p, struct waiter *w, watch_fn *fn, void *arg);
void pool_forget(struct pool *p, struct waiter *w);

/* A connection that is kept under this key, and that the rule lets be used once more: yours, with
 * its place, which is the domain's from now on. NULL: none. */
struct upstream *pool_take(struct pool *p, const char *key, const char *domain,
                           const struct domain *rule);

/* Keeps it as long as the rule says (NULL: not at all), or says QUIT. `in_transaction`: says RSET
 * first. */
void pool_keep(struct pool *p, struct upstream *up, bool in_transaction, const struct domain *rule);

/* How many are kept or are taking their leave. */
size_t pool_count(const struct pool *p);

/* Those that are kept hear QUIT. */
void pool_drain(struct pool *p);
