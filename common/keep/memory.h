/* SPDX-License-Identifier: Apache-2.0
 *
 * memory - what sallyport-out remembers over restarts: a store in its own folder below
 * state-directory, of the kinds below.
 *
 * The facts processes of two generations, and `sallyport forget`, may have it open at the same
 * time; nothing is kept beside it in a process, so what one writes the others find. Every kind
 * has a ceiling: beyond it what is nearest to its end goes first. Opened after fork; not twice in
 * a process.
 */
#pragma once

#include <stdint.h>

#include "keep/store.h"

/* MEMORY(name, table, most entries)
 *   sts   key: domain. Its MTA-STS policy.
 *   seen  key: domain, in lower case. TLS was seen there: until when that counts is its end.
 *   sent  key: see proxy-out/relay/sent.h. Outcomes that the mail server was not seen to hear.
 *   gone  key: domain. It was forgotten lately: memory_forget(). */
#define MEMORY_KINDS(MEMORY)     \
    MEMORY(STS, "sts", 20000)    \
    MEMORY(SEEN, "seen", 200000) \
    MEMORY(SENT, "sent", 50000)  \
    MEMORY(GONE, "gone", 1000)

enum memory_kind {
#define MEMORY(name, table, most) MEMORY_##name,
    MEMORY_KINDS(MEMORY)
#undef MEMORY
        MEMORY_COUNT,
};

/* `make`: make it where there is none. NULL with one line in `why`. store_close() ends it. */
struct store *memory_open(const char *state_directory, bool make, char *why, size_t size);

/* Is there one? */
bool memory_is_made(const char *state_directory);

/* What is there and not past its time at `now` (seconds since 1970): its length, copied to `to`.
 * -1: nothing, or it has no room. */
MUST long memory_get(struct store *s, enum memory_kind kind, struct span key, double now, void *to,
                     size_t size);

/* As store_put(), below the kind's ceiling. A transaction that failed is not kept, and
 * store_commit() says so. */
void memory_put(struct store_txn *t, enum memory_kind kind, struct span key, struct span value,
                double until);

/* Takes away what is kept of a domain, and leaves word of it for processes that run: they hold
 * what follows from it. What there was comes back, a bit for each kind. */
unsigned memory_forget(struct store_txn *t, struct span domain, double now);

/* Calls for each domain that was forgotten behind `since`, which is what this last returned, or 0.
 * `fn` may be NULL. */
typedef void memory_forgotten_fn(void *arg, const char *domain);
uint64_t memory_forgotten(struct store_txn *t, uint64_t since, memory_forgotten_fn *fn, void *arg);

/* Takes away some of what is past its time; to be called now and then. */
void memory_tidy(struct store_txn *t, double now);
