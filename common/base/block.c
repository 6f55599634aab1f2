/* SPDX-License-Identifier: Apache-2.0 */
#include "base/block.h"

#include <assert.h>
#include <malloc.h>
#include <sanitizer/asan_interface.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/span.h"

/* One that waits. */
struct block {
    struct block *next;
    const void *waits_in; /* `blocks` */
};

/* By size: from 24 bytes in steps of 16, as the heap has them, so none takes more there. */
static struct block *blocks[BLOCK_LARGEST / 16];
static size_t blocks_size; /* bytes, all of them */
static bool are_kept;

void blocks_keep(void)
{
    are_kept = true;
}

static size_t block_size(size_t i)
{
    return 24 + 16 * i;
}

void *block_get(size_t size)
{
    size_t i = size > block_size(0) ? (size - block_size(0) + 15) / 16 : 0;

    if (!are_kept || i >= COUNT_OF(blocks))
        return malloc(size);

    struct block *b = blocks[i];

    if (!b)
        return malloc(block_size(i));
    blocks[i] = b->next;
    blocks_size -= block_size(i);
    b->waits_in = NULL;
    ASAN_UNPOISON_MEMORY_REGION(b, block_size(i));
    return b;
}

/* As the heap does: who gives the same twice must not go on. */
static void check_given_once(const struct block *given, const struct block *waiting)
{
    for (; waiting; waiting = waiting->next)
        assert(waiting != given);
}

static void keep(struct block *b, size_t i)
{
    if (b->waits_in == blocks)
        check_given_once(b, blocks[i]);
    *b = (struct block){blocks[i], blocks};
    blocks[i] = b;
    blocks_size += block_size(i);
    ASAN_POISON_MEMORY_REGION(b + 1, block_size(i) - sizeof *b); /* as with what was freed */
}

void block_give(void *at)
{
    size_t size = are_kept ? malloc_usable_size(at) : 0; /* of NULL 0, too */
    size_t i = (size - block_size(0)) / 16;

    if (size < block_size(0) || i >= COUNT_OF(blocks) || blocks_size + block_size(i) > BLOCKS_KEPT)
        free(at);
    else
        keep(at, i);
}
