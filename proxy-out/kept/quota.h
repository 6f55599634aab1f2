/* SPDX-License-Identifier: Apache-2.0
 *
 * quota - how many connections there may be to a domain, and who waits for one.
 *
 * Each domain has waiters of its own, first come first served: one that hangs holds up nobody
 * else's. For pool.c, whose sessions wait; a place belongs to a connection, or to an attempt.
 */
#pragma once

#include <sys/queue.h>

#include "base/option.h"
#include "net/watch.h"

struct quota;
struct quotas;

/* Connections that are kept hold places, too, and one may go to make room: is there one of this
 * quota, and with `now`, it goes. */
typedef bool quota_spare_fn(void *arg, const struct quota *q, bool now);

/* `sessions`: how many may be in this process; of those a quarter may wait for one domain. */
struct quotas *quotas_new(struct event_base *base, unsigned long sessions, quota_spare_fn *spare,
                          void *arg);

/* Nobody may wait or hold a place any more. */
void quotas_free(struct quotas **all);

/* A place among `most` for the domain, until quota_leave(). NULL: none, or others wait for it. */
struct quota *quota_enter(struct quotas *all, const char *domain, unsigned long most);
void quota_leave(struct quota *q);
bool quota_is_of(const struct quota *q, const char *domain);

/* Do others wait for this domain, before whom nobody else may have what comes free? */
bool quota_is_awaited(const struct quotas *all, const char *domain);

/* There may be something for the first of those who wait. */
void quota_call(struct quota *q);

/* One that waits is called from the loop when there is a place for it, or a connection that is
 * kept and nobody else may have. It takes that then, or not at all. */
struct waiter {
    TAILQ_ENTRY(waiter) link;
    struct quota *quota; /* NULL: it does not wait */
    bool again;          /* it had a place, which was of no use: it comes before the others */
    watch_fn *fn;
    void *arg;
};

/* `again` of it is set before. False: too many wait already, or no memory. quota_forget() where it
 * does not wait any more, or never did. */
MUST bool quota_wait(struct quotas *all, const char *domain, unsigned long most, struct waiter *w,
                     watch_fn *fn, void *arg);
void quota_forget(struct waiter *w);
