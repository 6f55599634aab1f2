/* SPDX-License-Identifier: Apache-2.0
 *
 * places - how far each segment of the spool was read, kept in the store.
 */
#pragma once

#include "keep/store.h"
#include "milter/books/round.h"

/* Where to go on, once. */
void places_find(struct store_txn *t, unsigned kind, struct reading *g);
MUST bool places_keep(struct store_txn *t, unsigned kind, const struct reading *g);

/* Drops those of segments that are gone from the spool, at the beginning of a round. `*changed` is
 * set if there were some. */
MUST bool places_forget(struct store_txn *t, unsigned kind, const struct round *round,
                        const char *spool, bool *changed);
