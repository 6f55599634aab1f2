/* SPDX-License-Identifier: Apache-2.0
 *
 * patrol - calls the servers behind us on our own account: to learn at the start what they offer,
 * to see whether a dead one lives again, and to probe those that take us for the client.
 *
 * What it finds it writes into the stations.
 */
#pragma once

#include "net/loop.h"
#include "net/tls.h"
#include "station.h"

struct patrol;

/* All that is needed has had a first answer: the listeners may serve. */
typedef void patrol_fn(void *arg);

/* All is borrowed. NULL: no memory. */
struct patrol *patrol_new(struct event_base *base, const char *host_name, patrol_fn *ready,
                          void *arg);
void patrol_free(struct patrol **p);

/* Looks after the servers of this one, too; `tls` NULL: in the clear. False: no memory. */
MUST bool patrol_add(struct patrol *p, struct station *at, struct tls *tls);

/* Every second or so; the first time begins. `ready` may be called from here. */
void patrol_walk(struct patrol *p);
