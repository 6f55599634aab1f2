/* SPDX-License-Identifier: Apache-2.0
 *
 * forgot - what `sallyport forget` took out of the store, found out by a facts process that runs:
 * before each question, before notes are written down, and every second.
 */
#pragma once

#include "keep/memory.h"
#include "net/watch.h"

struct forgot {
    struct store *store; /* borrowed; NULL: there is none */
    uint64_t serial;
    struct alarm alarm;
    memory_forgotten_fn *fn;
    void *arg;
};

/* `fn` is called for each domain that is forgotten from now on. */
void forgot_begin(struct forgot *f, struct event_base *base, struct store *store,
                  memory_forgotten_fn *fn, void *arg);
void forgot_end(struct forgot *f);

/* Now. in: within this transaction, so that nothing can be forgotten before it is over. */
void forgot_heed(struct forgot *f);
void forgot_heed_in(struct forgot *f, struct store_txn *t);
