/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/strikes.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/siphash.h"
#include "keep/shared.h"

/* An entry is one word: 24 bits of who, 12 of how often, 28 of when it is over in seconds, which
 * come round after eight years. A bucket is two cache lines. */
enum {
    WAYS = 16,
    BUCKETS = 4096,
    COUNT_BITS = 12,
    END_BITS = 28,
};
_Static_assert(RATE_COUNT_MOST < 1 << COUNT_BITS, "the count fits");
_Static_assert(RATE_SECONDS_MOST < 1 << (END_BITS - 1), "the window fits");

static const uint32_t end_mask = (UINT32_C(1) << END_BITS) - 1;

struct bucket {
    _Atomic uint64_t ways[WAYS];
};

struct strikes {
    uint64_t seed[2];
    struct bucket *buckets; /* shared */
};

struct entry {
    uint32_t who, count, end;
};

static struct entry unpack(uint64_t word)
{
    return (struct entry){.who = (uint32_t)(word >> (COUNT_BITS + END_BITS)),
                          .count = (uint32_t)(word >> END_BITS) & ((1U << COUNT_BITS) - 1),
                          .end = (uint32_t)word & end_mask};
}

static uint64_t pack(struct entry e)
{
    return (uint64_t)e.who << (COUNT_BITS + END_BITS) | (uint64_t)e.count << END_BITS | e.end;
}

struct strikes *strikes_new(void)
{
    struct strikes *s = calloc(1, sizeof *s);

    if (s && !(s->buckets = shared_new(BUCKETS * sizeof(struct bucket), s->seed)))
        strikes_free(&s);
    return s;
}

void strikes_free(struct strikes **s)
{
    if (*s)
        shared_free((*s)->buckets, BUCKETS * sizeof(struct bucket));
    free(*s);
    *s = NULL;
}

uint64_t strikes_key(const struct strikes *s, struct span name)
{
    return siphash(s->seed, name);
}

static struct bucket *bucket_of(const struct strikes *s, uint64_t key)
{
    return &s->buckets[key % BUCKETS];
}

static uint32_t who_of(uint64_t key)
{
    return (uint32_t)(key >> (COUNT_BITS + END_BITS));
}

/* Seconds that an entry has left; 0: it is over, or was never there. */
static uint32_t left_of(const struct entry *e, uint32_t now)
{
    uint32_t left = (e->end - now) & end_mask;

    return e->count > 0 && left < 1U << (END_BITS - 1) ? left : 0;
}

/* The entry of `key`, or else the one that is to make way for it. True: it is its own. */
static bool find(const struct strikes *s, uint64_t key, uint32_t now, _Atomic uint64_t **at,
                 uint64_t *word)
{
    struct bucket *b = bucket_of(s, key);
    uint64_t least = UINT64_MAX;

    for (size_t i = 0; i < WAYS; i++) {
        uint64_t there = atomic_load(&b->ways[i]);
        struct entry e = unpack(there);
        uint32_t left = left_of(&e, now);
        uint64_t worth = left > 0 ? (uint64_t)e.count << 32 | left : 0;

        if (left > 0 && e.who == who_of(key)) {
            *at = &b->ways[i];
            *word = there;
            return true;
        }
        if (worth < least) {
            least = worth;
            *at = &b->ways[i];
            *word = there;
        }
    }
    return false;
}

bool strikes_is_out(const struct strikes *s, uint64_t key, const struct rate *rate, double now)
{
    _Atomic uint64_t *at;
    uint64_t word;

    return rate->count > 0 && find(s, key, (uint32_t)now, &at, &word) &&
           unpack(word).count >= rate->count;
}

/* Whoever changes an entry under us has counted: that ends, where the rate does. */
bool strikes_try(struct strikes *s, uint64_t key, const struct rate *rate, double now)
{
    while (rate->count > 0) {
        struct entry e = {who_of(key), 1, ((uint32_t)now + rate->seconds) & end_mask};
        _Atomic uint64_t *at;
        uint64_t word;

        if (find(s, key, (uint32_t)now, &at, &word)) {
            e = unpack(word);
            if (e.count >= rate->count)
                return false;
            e.count++;
        }
        if (atomic_compare_exchange_strong(at, &word, pack(e)))
            break;
    }
    return true;
}

void strikes_pardon(struct strikes *s, uint64_t key, double now)
{
    for (;;) {
        _Atomic uint64_t *at;
        uint64_t word;

        if (!find(s, key, (uint32_t)now, &at, &word))
            return;

        struct entry e = unpack(word);

        e.count--;
        if (atomic_compare_exchange_strong(at, &word, e.count > 0 ? pack(e) : 0))
            return;
    }
}
