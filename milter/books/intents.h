/* SPDX-License-Identifier: Apache-2.0
 *
 * intents - deliveries whose outcome is still to come.
 *
 * Under the writer and the record's key, since keys are one writer's own. Most end in the batch
 * that they came in and never see the store; intents_settle() puts the others there.
 */
#pragma once

#include "keep/store.h"
#include "milter/books/round.h"
#include "tell/record.h"

struct intents;

/* `kind` is the store's. NULL: no memory. */
struct intents *intents_new(unsigned kind);
void intents_free(struct intents **i);

MUST bool intents_keep(struct intents *i, struct store_txn *t, const char *writer,
                       const struct record *r, struct span line);

/* Keeps a line that is an intent as far as its front and its end say: most of it waits unread, so
 * that it is read once. False: it is none, or record_read() is to be asked. */
MUST bool intents_take(struct intents *i, struct store_txn *t, const char *writer, struct span line,
                       bool *kept);

/* The line of the intent with this record's key; borrowed until anything is kept or dropped. */
MUST bool intents_find(const struct intents *i, struct store_txn *t, const char *writer,
                       const struct record *r, struct span *line);

/* The outcome came, where intents_find() found one. */
MUST bool intents_drop(struct intents *i, struct store_txn *t, const char *writer,
                       const struct record *r);

/* What is open goes into the store. Before the batch ends, and before orphans are sought. */
MUST bool intents_settle(struct intents *i, struct store_txn *t);

/* The batch is not kept, nor is what came in it. */
void intents_forget(struct intents *i);

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
