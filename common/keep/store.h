/* SPDX-License-Identifier: Apache-2.0
 *
 * store - what outlives a process: keys and values with an age. The door to LMDB.
 *
 * Any number of processes, once in each; opened after fork. Those that write wait for each
 * other, from store_begin() to the end of the transaction, and one that is killed meanwhile
 * leaves nothing behind. Keys are up to 500 bytes. What is found is borrowed until the
 * transaction writes or ends. A transaction in which anything failed is not kept.
 */
#pragma once

#include "base/span.h"

struct store;
struct store_txn;

/* `kinds` are the names of its tables, NULL behind the last, the same at every open. NULL with
 * one line in `why`. `most` is the ceiling of the file in bytes. */
struct store *store_open(const char *folder, const char *const *kinds, size_t most, bool write,
                         char *why, size_t size);
void store_close(struct store **s);

/* NULL: no memory, or the disk is full. commit: false if it could not be kept; freed anyway. */
struct store_txn *store_begin(struct store *s);
struct store_txn *store_look(struct store *s); /* only reads, and waits for nobody; aborted */
MUST bool store_commit(struct store_txn **t);
void store_abort(struct store_txn **t);

/* `kind` is an index into `kinds`. `until` is when it may be forgotten, seconds since 1970;
 * 0: never. */
MUST bool store_put(struct store_txn *t, unsigned kind, struct span key, struct span value,
                    double until);

/* The same for a large value in two parts, which need not be brought together before. */
MUST bool store_put_both(struct store_txn *t, unsigned kind, struct span key, struct span front,
                         struct span value, double until);

/* store_put() for a key that is most likely new: if it is there, its value and its age stay, and
 * true comes back. One search where store_put() takes three. */
MUST bool store_add(struct store_txn *t, unsigned kind, struct span key, struct span value,
                    double until);
MUST bool store_get(struct store_txn *t, unsigned kind, struct span key, struct span *value);
MUST bool store_get_until(struct store_txn *t, unsigned kind, struct span key, struct span *value,
                          double *until);
MUST bool store_drop(struct store_txn *t, unsigned kind, struct span key);
size_t store_count(struct store_txn *t, unsigned kind);

/* How many bytes of the file a kind takes, roughly. */
size_t store_size(struct store_txn *t, unsigned kind);

/* Calls for each, in the order of the keys, until it answers false. */
typedef bool store_walk_fn(void *arg, struct span key, struct span value);
void store_walk(struct store_txn *t, unsigned kind, store_walk_fn *fn, void *arg);

/* The same from the first key on that is not before `first`. It must not write on its way. */
void store_walk_from(struct store_txn *t, unsigned kind, struct span first, store_walk_fn *fn,
                     void *arg);

/* Drops up to `count` of what is past its time, longest first; `now` INFINITY: of all that have
 * one. How many comes back. */
size_t store_expire(struct store_txn *t, unsigned kind, double now, size_t count);
