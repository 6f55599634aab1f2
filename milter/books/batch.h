/* SPDX-License-Identifier: Apache-2.0
 *
 * batch - what one transaction of the store gathers: lines of the spool become rows.
 */
#pragma once

#include "keep/store.h"
#include "milter/books/intents.h"
#include "milter/books/reception.h"
#include "milter/books/sinks.h"
#include "tell/spool.h"

/* Of what the store has. */
enum { KIND_RECEPTIONS, KIND_INTENTS, KIND_PLACES, KIND_JOURNAL };

struct batch {
    /* The ledger's. */
    struct sinks *sinks;
    struct intents *intents;
    struct receptions *receptions;
    bool joins; /* somebody delivers here, so receptions are remembered */

    struct store_txn *txn;
    size_t bad, came; /* lines; receptions that were remembered */
    bool changed, failed;
};

/* There is something to commit; unless it could be `done` all of it fails. */
void batch_keep(struct batch *b, bool done);

/* A line without its LF. False: it has to wait, for a reception that comes in a moment. What is no
 * record is left out and counted. */
MUST bool batch_take(struct batch *b, const struct spool_segment *from, struct span line);

/* What is known of a delivery whose outcome nobody will tell any more. */
void batch_end_intent(struct batch *b, struct span key);
