/* SPDX-License-Identifier: Apache-2.0
 *
 * policies - QUESTION_STS in the facts process: asks the keeper of MTA-STS policies, and tells the
 * log what came of fetches.
 */
#pragma once

#include "conf/settings.h"
#include "dns/resolve.h"
#include "way/lookup.h"

struct policies;
struct store;

/* In the master: mta-sts-ca-file, which the user may not be able to read, as a text that is
 * ours now; "" where none is named. NULL with one line in `why`. */
char *policies_cas(const struct global *g, char *why, size_t size);

/* After fork. `cas` and the others are borrowed; `store` may be NULL. NULL with one line in `why`.
 */
struct policies *policies_new(struct event_base *base, struct resolve *resolve, struct store *store,
                              const struct global *g, const char *cas, char *why, size_t size);

/* As keeper_stop(), before the resolver is freed; and after it. */
void policies_stop(struct policies *p);
void policies_free(struct policies **p);

/* As keeper_forget(). */
void policies_forget(struct policies *p, const char *domain);

/* `fn` is called once, maybe before this returns. */
void policies_ask(struct policies *p, const struct question *q, lookup_fn *fn, void *arg);
