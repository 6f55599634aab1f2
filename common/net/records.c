/* SPDX-License-Identifier: Apache-2.0 */
#include "net/records.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <openssl/crypto.h>

enum { STEP = 64 }; /* slots that become usable at a time */

static struct {
    char *place;     /* of all slots; NULL: there is none */
    size_t size;     /* of it */
    unsigned usable; /* of them, from the front */
    unsigned fresh;  /* the first that was never used */
    unsigned kept_count, bare_count;
    uint16_t kept[RECORDS_KEPT]; /* free slots */
    uint16_t bare[RECORDS_MOST]; /* free slots whose pages have gone back */
} all;

static char *slot_at(unsigned i)
{
    return all.place + (size_t)i * RECORDS_SLOT;
}

static bool is_slot(const void *at)
{
    return (uintptr_t)at - (uintptr_t)all.place < all.size;
}

/* Addresses alone cost nothing, as long as nothing may be written there. */
static void reserve(void)
{
    size_t size = (size_t)RECORDS_SLOT * RECORDS_MOST;
    void *at = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED)
        return;
    (void)madvise(at, size, MADV_NOHUGEPAGE);
    all.place = at;
    all.size = size;
}

static void *take_fresh(void)
{
    if (!all.place || all.fresh == RECORDS_MOST)
        return NULL;
    if (all.fresh == all.usable) {
        if (mprotect(slot_at(all.usable), (size_t)STEP * RECORDS_SLOT, PROT_READ | PROT_WRITE) != 0)
            return NULL;
        all.usable += STEP;
    }
    return slot_at(all.fresh++);
}

static void *take(void)
{
    if (all.kept_count > 0)
        return slot_at(all.kept[--all.kept_count]);
    if (all.bare_count > 0)
        return slot_at(all.bare[--all.bare_count]);
    return take_fresh();
}

void *records_get(size_t size)
{
    if (size < RECORDS_LEAST || size > RECORDS_SLOT)
        return malloc(size);
    void *slot = take();

    return slot ? slot : malloc(size);
}

void records_give(void *at)
{
    if (!is_slot(at)) {
        free(at);
        return;
    }
    uint16_t i = (uint16_t)(((char *)at - all.place) / RECORDS_SLOT);

    if (all.kept_count < RECORDS_KEPT) {
        all.kept[all.kept_count++] = i;
        return;
    }
    (void)madvise(at, RECORDS_SLOT, MADV_DONTNEED);
    all.bare[all.bare_count++] = i;
}

void *records_resize(void *old, size_t size)
{
    if (!old)
        return records_get(size);
    if (!is_slot(old))
        return realloc(old, size);
    if (size > 0 && size <= RECORDS_SLOT)
        return old;
    void *new = size > 0 ? malloc(size) : NULL;

    if (new)
        memcpy(new, old, RECORDS_SLOT);
    if (new || size == 0)
        records_give(old);
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
    reserve();
    (void)CRYPTO_set_mem_functions(get, resize, give);
}
