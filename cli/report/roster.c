/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/roster.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/text.h"

enum { ROOM_FIRST = 16 };

void roster_init(struct roster *r, size_t size, size_t most, roster_drop_fn *drop, void *arg)
{
    *r = (struct roster){.size = size, .most = most, .drop = drop, .arg = arg};
    if (getrandom(&r->seed, sizeof r->seed, 0) != sizeof r->seed)
        r->seed = (uintptr_t)r;
}

static void drop(struct roster *r, struct roster_head *e)
{
    if (r->drop)
        r->drop(r->arg, e);
    free(e->name);
}

void roster_clear(struct roster *r)
{
    for (size_t i = 0; i < r->count; i++)
        drop(r, roster_at(r, i));
    free(r->entries);
    free(r->slots);
    roster_init(r, r->size, r->most, r->drop, r->arg);
}

static uint64_t mix(uint64_t a, uint64_t b)
{
    unsigned __int128 product = (unsigned __int128)a * b;

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

/* Keyed, so that who chooses names does not choose places. */
static uint32_t hash_of(const struct roster *r, struct span name)
{
    uint64_t h = r->seed ^ name.len, part;

    for (; name.len >= sizeof part; name = span_after(name, sizeof part)) {
        memcpy(&part, name.at, sizeof part);
        h = mix(h ^ part, 0xa0761d6478bd642f ^ r->seed >> 7);
    }
    part = 0;
    memcpy(&part, name.at, name.len);
    h = mix(h ^ part, 0xe7037ed1a0b428db ^ r->seed << 9);
    return (uint32_t)(h ^ h >> 32);
}

static bool is(const struct roster_head *e, struct span name)
{
    return e->len == name.len && memcmp(e->name, name.at, name.len) == 0;
}

/* Where it is, or where it would be. */
static uint32_t *slot_of(const struct roster *r, struct span name, uint32_t hash)
{
    for (size_t i = hash;; i++) {
        uint32_t *slot = &r->slots[i & (r->slot_count - 1)];
        const struct roster_head *e = *slot ? roster_at(r, *slot - 1) : NULL;

        if (!e || (e->hash == hash && is(e, name)))
            return slot;
    }
}

static void fill_slots(struct roster *r)
{
    memset(r->slots, 0, r->slot_count * sizeof *r->slots);
    for (size_t i = 0; i < r->count; i++) {
        const struct roster_head *e = roster_at(r, i);

        *slot_of(r, (struct span){e->name, e->len}, e->hash) = (uint32_t)i + 1;
    }
}

static bool grow(struct roster *r)
{
    size_t room = r->room ? 2 * r->room : ROOM_FIRST, slot_count = 2 * ROOM_FIRST;
    char *entries;
    uint32_t *slots;

    if (room > r->most)
        room = r->most;
    while (slot_count < 2 * room)
        slot_count *= 2;
    if (!(entries = realloc(r->entries, room * r->size)))
        return false;
    r->entries = entries;
    if (!(slots = realloc(r->slots, slot_count * sizeof *slots)))
        return false;
    r->slots = slots;
    r->room = room;
    r->slot_count = slot_count;
    fill_slots(r);
    return true;
}

static int by_count(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* The count that half of them have, or less. False: no memory. */
static bool middle(const struct roster *r, uint64_t *out)
{
    uint64_t *counts = malloc(r->count * sizeof *counts);

    if (!counts)
        return false;
    for (size_t i = 0; i < r->count; i++)
        counts[i] = ((const struct roster_head *)roster_at(r, i))->count;
    qsort(counts, r->count, sizeof *counts, by_count);
    *out = counts[r->count / 2];
    free(counts);
    return true;
}

/* Those below the middle, and of those that have just that so many that a half is left. */
static bool halve(struct roster *r)
{
    uint64_t most;
    size_t keep = 0, at_most = r->count / 2;

    if (!middle(r, &most))
        return false;
    for (size_t i = 0; i < r->count; i++)
        at_most -= ((struct roster_head *)roster_at(r, i))->count > most;
    for (size_t i = 0; i < r->count; i++) {
        struct roster_head *e = roster_at(r, i);

        if (e->count > most || (e->count == most && at_most > 0)) {
            at_most -= e->count == most;
            memmove(roster_at(r, keep++), e, r->size);
        } else {
            r->dropped += e->count;
            drop(r, e);
        }
    }
    r->count = keep;
    r->last = 0;
    r->approximate = true;
    fill_slots(r);
    return true;
}

static void *add(struct roster *r, struct span name, uint32_t hash)
{
    char *copy = malloc(name.len + 1);
    struct roster_head *e;

    if (!copy || (r->count == r->most && !halve(r)) || (r->count == r->room && !grow(r))) {
        free(copy);
        return NULL;
    }
    memcpy(copy, name.at, name.len);
    copy[name.len] = '\0';
    *slot_of(r, name, hash) = (uint32_t)r->count + 1;
    r->last = r->count++;
    e = roster_at(r, r->last);
    memset(e, 0, r->size);
    e->name = copy;
    e->len = (uint32_t)name.len;
    e->hash = hash;
    return e;
}

void *roster_get(struct roster *r, struct span name)
{
    uint32_t hash, *slot;

    if (!name.at)
        name.at = "";
    if (name.len > ROSTER_NAME)
        name.len = ROSTER_NAME;
    if (r->count > 0 && is(roster_at(r, r->last), name))
        return roster_at(r, r->last);
    hash = hash_of(r, name);
    slot = r->room ? slot_of(r, name, hash) : NULL;
    if (!slot || !*slot)
        return add(r, name, hash);
    r->last = *slot - 1;
    return roster_at(r, r->last);
}

char *roster_text(struct span text)
{
    char clean[ROSTER_TEXT + 1];

    (void)text_clean(clean, sizeof clean, text.at ? text : SPAN(""));
    return strdup(clean);
}
