/* SPDX-License-Identifier: Apache-2.0
 *
 * slots - who may come in, and try to log in: limits that hold over all workers.
 *
 * What has no limit is not counted. A client is its IPv4 address, or its IPv6 /64: that is what
 * one customer has. A session holds what it has taken until slots_leave(); what a dead worker
 * held, the master gives back.
 */
#pragma once

#include "keep/strikes.h"
#include "keep/tally.h"
#include "reason.h"
#include "conf/settings.h"

struct slots {
    struct tally *tally;     /* borrowed */
    struct strikes *strikes; /* borrowed */
    unsigned part;           /* of the tally: this worker's */
    unsigned long total;     /* total-max-smtp-in; 0: no limit */
};

/* What a session has taken: bits. */
enum slot { SLOT_TOTAL = 1, SLOT_LISTENER = 2, SLOT_CLIENT = 4 };

/* Before a client is accepted at `l`. False: all are taken, and nothing is held. */
MUST bool slots_enter(const struct slots *s, const struct smtp_listener *l, unsigned *held);

/* Would slots_enter() have one now? */
bool slots_are_free(const struct slots *s, const struct smtp_listener *l);

/* Once it is known who the client is. REASON_NOT_YET: it may stay; else it must be turned away,
 * with `421 4.7.0` and what slots_refusal() says. */
MUST enum reason slots_admit(const struct slots *s, const struct source *rule,
                             const struct addr *client, unsigned *held, double now);
const char *slots_refusal(enum reason why);

void slots_leave(const struct slots *s, const struct smtp_listener *l, const struct addr *client,
                 unsigned *held);

/* May it try to log in? It is counted as a failure, until it is pardoned. */
MUST bool slots_try_login(const struct slots *s, const struct source *rule,
                          const struct addr *client, double now);
void slots_pardon(const struct slots *s, const struct addr *client, double now);
