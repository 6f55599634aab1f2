/* SPDX-License-Identifier: Apache-2.0
 *
 * visit - a short call of our own at a server of the backend: is it alive, and what does it offer?
 *
 * Connects, goes through TLS where that is wanted, says for whom it calls (nobody but us) and EHLO,
 * then QUIT. No mail is asked for.
 */
#pragma once

#include "behind/wire.h"

/* `reply` is that to EHLO; empty where the visit was in vain, and `why` then says why. The visit is
 * over and may be freed. Called from the loop. */
typedef void visit_fn(void *arg, struct span reply, const char *why);

/* `host_name` is ours, and borrowed. NULL: no memory. */
struct visit *visit_new(struct event_base *base, const struct wire_plan *plan,
                        const char *host_name, visit_fn *fn, void *arg);
void visit_free(struct visit **v);
