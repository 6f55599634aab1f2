/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/block.h"

enum {
    FIRST = 256,   /* what a short reply needs */
    CHUNK = 65536, /* what a read is offered: four TLS records */
    SCRAP = 4096,  /* less than this is not worth a read, if more can be had */
};

/* Of buf_share(). */
static char shared[CHUNK];
static bool is_lent;

static void give_back(char *bytes)
{
    if (bytes != shared) {
        block_give(bytes);
        return;
    }
    is_lent = false;
    ASAN_POISON_MEMORY_REGION(shared, sizeof shared); /* as with what was freed */
}

void buf_init(struct buf *b, size_t ceiling)
{
    *b = (struct buf){.ceiling = ceiling < UINT32_MAX ? (uint32_t)ceiling : UINT32_MAX};
}

void buf_clear(struct buf *b)
{
    give_back(b->bytes);
    buf_init(b, b->ceiling);
}

static size_t tail(const struct buf *b)
{
    return b->size - b->to;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Doubling keeps copies rare; the ceiling bounds it. */
static size_t size_for(const struct buf *b, size_t size, size_t need)
{
    while (size < need)
        size *= 2;
    return smaller(size, b->ceiling);
}

static bool move_to(struct buf *b, size_t size)
{
    size_t len = buf_len(b);
    char *bytes = block_get(size);

    if (!bytes)
        return false;
    if (len)
        memcpy(bytes, b->bytes + b->from, len);
    give_back(b->bytes);
    *b = (struct buf){
        .bytes = bytes, .to = (uint32_t)len, .size = (uint32_t)size, .ceiling = b->ceiling};
    return true;
}

/* Makes the tail at least `want` bytes long. */
static bool make_room(struct buf *b, size_t want)
{
    size_t len = buf_len(b);

    if (want <= tail(b))
        return true;
    if (want > b->ceiling - len)
        return false;
    if (len + want > b->size)
        return move_to(b, size_for(b, b->size ? b->size : FIRST, len + want));
    memmove(b->bytes, b->bytes + b->from, len);
    b->from = 0;
    b->to = (uint32_t)len;
    return true;
}

bool buf_add(struct buf *b, struct span s)
{
    if (s.len == 0)
        return true;
    if (!make_room(b, s.len))
        return false;
    memcpy(b->bytes + b->to, s.at, s.len);
    b->to += (uint32_t)s.len;
    return true;
}

/* What did not fit the stack; seldom needed. */
__attribute__((format(printf, 3, 0))) static bool add_long(struct buf *b, size_t len,
                                                           const char *fmt, va_list ap)
{
    char *text = len <= buf_room(b) ? malloc(len + 1) : NULL;
    bool fits = text && vsnprintf(text, len + 1, fmt, ap) == (int)len &&
                buf_add(b, (struct span){text, len});

    free(text);
    return fits;
}

bool buf_addf(struct buf *b, const char *fmt, ...)
{
    char text[1024];
    va_list ap;

    va_start(ap, fmt);
    int n = vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (n < 0)
        return false;
    if ((size_t)n < sizeof text)
        return buf_add(b, (struct span){text, (size_t)n});
    va_start(ap, fmt);
    bool fits = add_long(b, (size_t)n, fmt, ap);
    va_end(ap);
    return fits;
}

size_t buf_space(struct buf *b, char **at)
{
    size_t room = buf_room(b);
    size_t want = smaller(room, CHUNK);

    if (tail(b) < want && tail(b) < SCRAP && !make_room(b, want))
        want = tail(b);
    *at = b->bytes ? b->bytes + b->to : NULL;
    return smaller(want, tail(b));
}

size_t buf_share(struct buf *b, char **at)
{
    if (!b->bytes && !is_lent) {
        is_lent = true;
        ASAN_UNPOISON_MEMORY_REGION(shared, sizeof shared);
        b->bytes = shared;
        b->size = (uint32_t)smaller(b->ceiling, CHUNK);
    }
    return buf_space(b, at);
}

void buf_settle(struct buf *b)
{
    /* Without memory it stays, and others have places of their own. */
    if (b->bytes == shared)
        (void)move_to(b, size_for(b, FIRST, buf_len(b)));
}

char *buf_reserve(struct buf *b, size_t count)
{
    return make_room(b, count) ? b->bytes + b->to : NULL;
}

void buf_grew(struct buf *b, size_t count)
{
    assert(count <= tail(b));
    b->to += (uint32_t)count;
    if (b->from == b->to)
        buf_clear(b);
}

void buf_drop(struct buf *b, size_t count)
{
    assert(count <= buf_len(b));
    b->from += (uint32_t)count;
    if (b->from == b->to)
        buf_clear(b);
}
