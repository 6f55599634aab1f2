/* SPDX-License-Identifier: Apache-2.0
 *
 * intents - deliveries whose outcome is still to come, kept in the store.
 *
 * Under the writer and the record's key, since keys are one writer's own.
 */
#pragma once

#include "keep/store.h"
#include "milter/books/round.h"
#include "tell/record.h"

MUST bool intents_keep(struct store_txn *t, unsigned kind, const char *writer,
                       const struct record *r, struct span line);

/* The outcome came. False: there was no intent. */
bool intents_drop(struct store_txn *t, unsigned kind, const char *writer, const struct record *r);

/* Some of those whose writer is gone for good, as keys of the store. */
struct orphans {
    struct {
        char text[SPOOL_NAME + RECORD_KEY_MAX];
        size_t len;
    } key[64];
    size_t count;
    const struct round *round;
};

void intents_find_orphans(struct store_txn *t, unsigned kind, const struct round *round,
                          struct orphans *out);

/* A row from what an intent said: outcome unknown. */
void intents_end(struct record *r);
