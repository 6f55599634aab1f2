/* SPDX-License-Identifier: Apache-2.0
 *
 * probe - asks a live mail server whether it may be behind us, once or again and again.
 *
 * With `identity none` the mail server takes every client for the address that we connect
 * from. If it trusts that address (Postfix trusts all of 127.0.0.0/8 by default), our listener
 * would be an open relay. So before such a listener serves, the probe asks the live backend, and
 * again every hour. `sallyport check` asks the same of each backend, with its identity.
 */
#pragma once

#include "behind/probing.h"
#include "behind/wire.h"

struct probe;

/* A verdict, also where there is none: `why` then says what was said, or what went wrong. */
typedef void probe_fn(void *arg, const struct probed *found);

struct probe_plan {
    struct wire_plan to;
    struct guest who; /* without a session id; what it borrows, too */
    double every,
        again;       /* seconds to the next one after a good answer, and after another; 0: none */
    double patience; /* the most for each answer; its connect- and reply-timeout if shorter */
};

/* Of a listener that serves only after a probe. The first keeps the worker from serving: it
 * shall not take minutes. */
#define PROBE_FOR_EVER .every = 3600, .again = 10, .patience = 30

/* Asks now. NULL: no memory. */
struct probe *probe_new(struct event_base *base, const struct probe_plan *plan, probe_fn *tell,
                        void *arg);
void probe_free(struct probe **p);
