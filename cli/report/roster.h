/* SPDX-License-Identifier: Apache-2.0
 *
 * roster - things by name, so many of them at most.
 *
 * Exact until there are more than that. Then the half of them with the smallest counts is dropped
 * at once and `approximate` says so: what is frequent stays, whatever the order in which it came.
 * Whoever is there often enough to matter was never dropped, or soon came back.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

enum { ROSTER_NAME = 320, ROSTER_TEXT = 1023 }; /* longer ones are cut */

/* Each thing begins so. */
struct roster_head {
    char *name; /* ours; with a NUL */
    uint32_t len, hash;
    uint64_t count; /* the owner counts */
};

/* Gives back what else an entry owns. */
typedef void roster_drop_fn(void *arg, void *entry);

struct roster {
    size_t size, most;    /* of an entry; of entries */
    roster_drop_fn *drop; /* may be NULL */
    void *arg;
    char *entries;   /* ours */
    uint32_t *slots; /* ours; 0 or the place of an entry and one more */
    size_t count, room, slot_count;
    size_t last; /* that was asked for */
    uint64_t seed;
    uint64_t dropped; /* sum of the counts of those that were dropped */
    bool approximate;
};

void roster_init(struct roster *r, size_t size, size_t most, roster_drop_fn *drop, void *arg);
void roster_clear(struct roster *r);

/* The entry of this name, all zero behind its head where it is new. Good until the next call.
 * NULL: no memory. */
void *roster_get(struct roster *r, struct span name);

static inline void *roster_at(const struct roster *r, size_t i)
{
    return r->entries + i * r->size;
}

/* A copy of what an entry remembers besides its name, cleaned: rows may have a megabyte of it.
 * The caller's; NULL: no memory. */
char *roster_text(struct span text);
