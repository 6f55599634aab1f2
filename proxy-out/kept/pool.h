/* SPDX-License-Identifier: Apache-2.0
 *
 * pool - connections that are kept for the next message, and how many there may be to a domain.
 *
 * A connection is used again only under its whole key (key.h); "" is none. A pool is one process's,
 * of one configuration.
 */
#pragma once

#include "proxy-out/kept/quota.h"
#include "way/route.h"
#include "remote/upstream.h"
#include "rule/domain.h"

struct pool;
/* `sessions` as for quotas_new(). */
struct pool *pool_new(struct event_base *base, unsigned long sessions);

/* Closes what is kept. Nobody may wait or hold a place any more. */
void pool_free(struct pool **p);

/* Places for connections to a domain; of those that are kept for it one is closed where room is
 * needed. */
struct quotas *pool_quotas(const struct pool *p);

/* A connection that is kept under this key, and that the rule lets be used once more: yours, with
 * its place, which is the domain's from now on. NULL: none. */
struct upstream *pool_take(struct pool *p, const char *key, const char *domain,
                           const struct domain *rule);

/* Keeps it as long as the rule says (NULL: not at all), or says QUIT once it has answered what it
 * was asked. UPSTREAM_RESETS: it is in a transaction and hears RSET first; UPSTREAM_REGRETS:
 * likewise, and was asked for DATA. */
void pool_keep(struct pool *p, struct upstream *up, enum upstream_is is, const struct domain *rule);

/* How many are kept or are taking their leave. */
size_t pool_count(const struct pool *p);

/* Those that are kept hear QUIT. */
void pool_drain(struct pool *p);
