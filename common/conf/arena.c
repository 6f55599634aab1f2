/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/arena.h"

#include <stdint.h>
#include <stdlib.h>

enum { BLOCK = 16384, ALIGN = 16 };

struct block {
    struct block *before;
    _Alignas(ALIGN) char bytes[];
};

struct arena {
    struct block *last;
    size_t used, room; /* of the last block */
};

struct arena *arena_new(void)
{
    return calloc(1, sizeof(struct arena));
}

void arena_free(struct arena **a)
{
    struct block *b = *a ? (*a)->last : NULL;

    while (b) {
        struct block *before = b->before;

        free(b);
        b = before;
    }
    free(*a);
    *a = NULL;
}

void *arena_get(struct arena *a, size_t count, size_t size)
{
    size_t need;
    void *at;

    if (__builtin_mul_overflow(count, size, &need) || need > SIZE_MAX / 2)
        abort();
    need = need ? (need + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
    if (need > a->room - a->used) {
        size_t room = need > BLOCK ? need : BLOCK;
        struct block *b = calloc(1, sizeof *b + room);

        if (!b)
            abort();
        b->before = a->last;
        a->last = b;
        a->used = 0;
        a->room = room;
    }
    at = a->last->bytes + a->used;
    a->used += need;
    return at;
}

const char *arena_text(struct arena *a, struct span s)
{
    char *text = arena_get(a, s.len + 1, 1);

    if (s.len)
        memcpy(text, s.at, s.len);
    return text;
}
