/* SPDX-License-Identifier: Apache-2.0
 *
 * visit - a short call of our own at a server of the backend: is it alive, and what does it offer?
 *
 * Connects, goes through TLS where that is wanted, says for whom it calls (nobody but us) and EHLO,
 * then QUIT. No mail is asked for.
 */
#pragma once

#include "net/loop.h"
#include "net/tls.h"
#include "run/settings.h"

struct visit_plan {
    const struct backend *backend; /* borrowed, as all of these */
    const struct backend_server *server;
    const char *host_name;
    struct tls *tls; /* NULL: in the clear */
};

/* `reply` is that to EHLO; empty where the visit was in vain, and `why` then says why. The visit is
 * over and may be freed. Called from the loop. */
typedef void visit_fn(void *arg, struct span reply, const char *why);

/* NULL: no memory. */
struct visit *visit_new(struct event_base *base, const struct visit_plan *plan, visit_fn *fn,
                        void *arg);
void visit_free(struct visit **v);
