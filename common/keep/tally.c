/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/tally.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "base/siphash.h"
#include "keep/shared.h"

/* A place is one word: 40 bits of the key, 24 of the number; 0 is free. There are four times as
 * many as keys, so what belongs together is found within PROBES. */
enum { PROBES = 32, SPARE = 4, NUMBER_BITS = 24, PLACES_LEAST = 256 };
static const uint64_t number_most = (UINT64_C(1) << NUMBER_BITS) - 1;

struct part {
    atomic_ulong used; /* places that are not free; never less, but for an instant more */
    char apart[56];    /* a cache line of its own */
    _Atomic uint64_t places[];
};

struct tally {
    uint64_t seed[2]; /* clients must not choose where they come to lie */
    unsigned parts;
    size_t places, part_size, size;
    char *map;
};

static struct part *part_of(const struct tally *t, unsigned part)
{
    return (struct part *)(void *)(t->map + part * t->part_size);
}

struct tally *tally_new(unsigned parts, unsigned long keys)
{
    struct tally *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->parts = parts;
    for (t->places = PLACES_LEAST; t->places < keys * SPARE; t->places *= 2)
        ;
    t->part_size = sizeof(struct part) + t->places * sizeof(uint64_t);
    t->size = parts * t->part_size;
    t->map = shared_new(t->size, t->seed);
    if (!t->map)
        tally_free(&t);
    return t;
}

void tally_free(struct tally **t)
{
    if (*t)
        shared_free((*t)->map, (*t)->size);
    free(*t);
    *t = NULL;
}

uint64_t tally_key(const struct tally *t, struct span name)
{
    return siphash(t->seed, name);
}

/* The upper bits say who it is, the lower where it lies; a tag is never 0. */
static uint64_t tag_of(uint64_t key)
{
    return (key >> NUMBER_BITS | 1) << NUMBER_BITS;
}

static _Atomic uint64_t *place_of(const struct tally *t, unsigned part, uint64_t key, size_t probe)
{
    return &part_of(t, part)->places[(key + probe) & (t->places - 1)];
}

/* The place of a key, or else one that is free; NULL: there is neither. */
static _Atomic uint64_t *find(const struct tally *t, unsigned part, uint64_t key, uint64_t *word)
{
    _Atomic uint64_t *free_one = NULL;

    for (size_t i = 0; i < PROBES; i++) {
        _Atomic uint64_t *at = place_of(t, part, key, i);

        *word = atomic_load(at);
        if (*word != 0 && (*word & ~number_most) == tag_of(key))
            return at;
        if (*word == 0 && !free_one)
            free_one = at;
    }
    *word = 0;
    return free_one;
}

unsigned long tally_count(const struct tally *t, uint64_t key)
{
    unsigned long sum = 0;
    uint64_t word;

    for (unsigned i = 0; i < t->parts; i++)
        if (atomic_load(&part_of(t, i)->used) > 0 && find(t, i, key, &word))
            sum += word & number_most;
    return sum;
}

void tally_give(struct tally *t, unsigned part, uint64_t key)
{
    uint64_t word;
    _Atomic uint64_t *at = find(t, part, key, &word);

    assert(at && word != 0);
    if ((word & number_most) > 1) {
        atomic_store(at, word - 1);
        return;
    }
    atomic_store(at, 0);
    atomic_fetch_sub(&part_of(t, part)->used, 1);
}

/* First it is counted, then looked at: of two who do so at once, one at least sees the other. */
bool tally_take(struct tally *t, unsigned part, uint64_t key, unsigned long most)
{
    uint64_t word;
    _Atomic uint64_t *at = find(t, part, key, &word);

    if (!at || (word & number_most) == number_most)
        return false;
    if (word == 0)
        atomic_fetch_add(&part_of(t, part)->used, 1);
    atomic_store(at, word == 0 ? tag_of(key) + 1 : word + 1);
    if (tally_count(t, key) <= most)
        return true;
    tally_give(t, part, key);
    return false;
}

void tally_clear(struct tally *t, unsigned part)
{
    struct part *p = part_of(t, part);

    if (part >= t->parts || atomic_load(&p->used) == 0)
        return;
    for (size_t i = 0; i < t->places; i++)
        if (atomic_load(&p->places[i]) != 0)
            atomic_store(&p->places[i], 0);
    atomic_store(&p->used, 0);
}
