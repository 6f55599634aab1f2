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
#include "tell/alike.h"

/* What the last sessions' receptions said alike; 630 KB. NULL: no memory. */
struct receptions;
struct receptions *receptions_new(void);
void receptions_free(struct receptions **m);

/* The record of a line without its LF: alike_read(). */
MUST bool reception_read(struct receptions *m, struct span line, struct record *out,
                         struct record_memory **memory);

/* Remembers a `received` record until its time is over; one of another recipient of the message is
 * remembered already. Without a queue id there is nothing to do. */
MUST bool reception_keep(struct receptions *m, struct store_txn *t, unsigned kind,
                         const struct record *r);

/* Fills in what the delivery does not say itself: columns, header fields and timeQueued; and who
 * brought the message. What is filled in is the store's: good until the transaction writes.
 * False: no reception is known. */
bool reception_join(struct store_txn *t, unsigned kind, struct record *delivery);

/* Its column of the seconds that it was queued, where that is known. `to` holds the text as long as
 * the record is used. */
void reception_set_wait(struct record *delivery, char to[24]);

/* Drops some of those whose time is over, at the pace at which they came: `came` since the last
 * call. False: they take more than `most` bytes, and the oldest went before their time: their
 * deliveries are not joined, which is better than a store that is full. It is logged then, and
 * not again before they took less than a sixteenth below that. */
bool reception_forget(struct receptions *m, struct store_txn *t, unsigned kind, double now,
                      size_t came, size_t most);
