/* SPDX-License-Identifier: Apache-2.0
 *
 * reception - how a message came, remembered for the rows of its deliveries.
 *
 * Kept in the store under queue id, host and time. Mail servers use short queue ids again, so
 * a delivery belongs to the last reception before it that has its id and, where both know
 * theirs, its host.
 */
#pragma once

#include "keep/store.h"
#include "tell/record.h"

/* Remembers a `received` record, whose line is `line`, until its time is over. Without a queue
 * id there is nothing to do. */
MUST bool reception_keep(struct store_txn *t, unsigned kind, const struct record *r,
                         struct span line);

/* Fills in what the delivery does not say itself: columns and timeQueued. What is filled in
 * points into `*memory`, to be freed with record_forget(). False: no reception is known. */
MUST bool reception_join(struct store_txn *t, unsigned kind, struct record *delivery,
                         struct record_memory **memory);
