/* SPDX-License-Identifier: Apache-2.0 */
#include "net/records.h"

#include <sanitizer/asan_interface.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

#include "base/block.h"
#include "base/span.h"

enum { STEP = 64 }; /* slots that become usable at a time */

static struct place {
    const size_t least, slot; /* bytes */
    char *at;                 /* all slots; NULL: there is none */
    size_t size;              /* of it */
    unsigned usable;          /* of them, from the front */
    unsigned fresh;           /* the first that was never used */
    unsigned kept_count, bare_count;
    unsigned spare;              /* of those kept, from the front: not taken since the last rest */
    uint16_t kept[RECORDS_KEPT]; /* free slots */
    uint16_t bare[RECORDS_MOST]; /* free slots whose pages have gone back */
} places[] = {
    {.least = RECORDS_LEAST, .slot = RECORDS_SLOT},
    {.least = PAGES_LEAST, .slot = PAGES_SLOT},
};

static char *slot_at(const struct place *p, unsigned i)
{
    return p->at + (size_t)i * p->slot;
}

/* Where it comes from; NULL: it is a block. */
static struct place *place_of(const void *at)
{
    for (struct place *p = places; p < places + COUNT_OF(places); p++)
        if ((uintptr_t)at - (uintptr_t)p->at < p->size)
            return p;
    return NULL;
}

static struct place *place_for(size_t size)
{
    for (struct place *p = places; p < places + COUNT_OF(places); p++)
        if (size >= p->least && size <= p->slot)
            return p;
    return NULL;
}

/* Addresses alone cost nothing, as long as nothing may be written there. */
static void reserve(struct place *p)
{
    size_t size = p->slot * RECORDS_MOST;
    void *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED)
        return;
    (void)madvise(at, size, MADV_NOHUGEPAGE);
    p->at = at;
    p->size = size;
}

static void *take_fresh(struct place *p)
{
    if (!p->at || p->fresh == RECORDS_MOST)
        return NULL;
    if (p->fresh == p->usable) {
        if (mprotect(slot_at(p, p->usable), STEP * p->slot, PROT_READ | PROT_WRITE) != 0)
            return NULL;
        p->usable += STEP;
    }
    return slot_at(p, p->fresh++);
}

static void *take(struct place *p)
{
    if (p->kept_count == 0 && p->bare_count == 0)
        return take_fresh(p);
    void *at = slot_at(p, p->kept_count > 0 ? p->kept[--p->kept_count] : p->bare[--p->bare_count]);

    if (p->spare > p->kept_count)
        p->spare = p->kept_count;
    ASAN_UNPOISON_MEMORY_REGION(at, p->slot);
    return at;
}

void *records_get(size_t size)
{
    struct place *p = place_for(size);
    void *slot = p ? take(p) : NULL;

    return slot ? slot : block_get(size);
}

static void strip(struct place *p, uint16_t i)
{
    (void)madvise(slot_at(p, i), p->slot, MADV_DONTNEED);
    p->bare[p->bare_count++] = i;
}

static void give_back(struct place *p, void *at)
{
    uint16_t i = (uint16_t)((size_t)((char *)at - p->at) / p->slot);

    ASAN_POISON_MEMORY_REGION(at, p->slot); /* as with what was freed */
    if (p->kept_count < RECORDS_KEPT) {
        p->kept[p->kept_count++] = i;
        return;
    }
    strip(p, i);
}

void records_rest(void)
{
    for (struct place *p = places; p < places + COUNT_OF(places); p++) {
        for (unsigned k = 0; k < p->spare; k++)
            strip(p, p->kept[k]);
        p->kept_count -= p->spare;
        memmove(p->kept, p->kept + p->spare, p->kept_count * sizeof *p->kept);
        p->spare = p->kept_count;
    }
}

void records_give(void *at)
{
    struct place *p = place_of(at);

    if (p)
        give_back(p, at);
    else
        block_give(at);
}

void *records_resize(void *old, size_t size)
{
    struct place *p = place_of(old);

    if (!old)
        return records_get(size);
    if (!p)
        return realloc(old, size);
    if (size > 0 && size <= p->slot)
        return old;
    void *new = size > 0 ? records_get(size) : NULL;

    if (new)
        memcpy(new, old, p->slot);
    if (new || size == 0)
        give_back(p, old);
    return new;
}

static void *get(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return records_get(size);
}

static void *resize(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return records_resize(old, size);
}

static void give(void *at, const char *file, int line)
{
    (void)file;
    (void)line;
    records_give(at);
}

void records_use(void)
{
    for (struct place *p = places; p < places + COUNT_OF(places); p++)
        reserve(p);
    (void)CRYPTO_set_mem_functions(get, resize, give);
}
