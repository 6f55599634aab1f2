/* SPDX-License-Identifier: Apache-2.0
 *
 * shelf - where policies stand, by domain, until their max_age is over: in the store
 * (keep/memory.h), and what that does not take, in memory.
 *
 * Nothing of the store is held here: it is as quick as memory, and another process may write it.
 */
#pragma once

#include "keep/memory.h"
#include "sts/sts_policy.h"
#include "sts/sts_record.h"

struct shelf;

struct kept {
    double fetched; /* seconds since 1970 */
    char id[STS_ID];
    struct sts_policy policy;
};

/* `store` is borrowed, and may be NULL. NULL: no memory. */
struct shelf *shelf_new(struct store *store);
void shelf_free(struct shelf **s);

/* The domain's policy, if one is there that has not ended at `now`. */
MUST bool shelf_get(const struct shelf *s, const char *domain, double now, struct kept *out);

/* What the store does not have of the domain; the rest is the store's. */
void shelf_forget(struct shelf *s, const char *domain);

/* In place of the one that is there. */
void shelf_put(struct shelf *s, const char *domain, const struct kept *k);
