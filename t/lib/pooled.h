/* SPDX-License-Identifier: Apache-2.0
 *
 * pooled - connections for a pool, whose other ends are the test's.
 */
#pragma once

#include "proxy-out/kept/pool.h"

struct event_base;

/* A greeted connection under "key" for a domain, with a place of the pool's quotas; it is the
 * caller's. Its other end comes back, which does not block. */
int pooled_make(struct event_base *base, struct pool *p, const char *domain, struct upstream **out);

/* Until nothing moves any more. */
void pooled_turn(struct event_base *base);
