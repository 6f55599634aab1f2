/* SPDX-License-Identifier: Apache-2.0
 *
 * buf - a queue of bytes with a ceiling.
 *
 * Bytes go in at the back and leave at the front. The ceiling is set once and
 * never passed: an add that does not fit changes nothing and says so. The
 * memory comes with the first byte, grows with what is held, and goes when the
 * last byte leaves, so an idle session costs nothing.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

/* A session has nine of them, so they are small: 4 GB are enough for each. */
struct buf {
    char *bytes; /* ours */
    uint32_t from, to, size, ceiling;
};

void buf_init(struct buf *b, size_t ceiling);
void buf_clear(struct buf *b);

/* All of it, or nothing and false. */
MUST bool buf_add(struct buf *b, struct span s);
MUST bool buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Where a read may put bytes without a copy: `*at` has room for as many bytes as
 * come back; 0 if the buffer is full or there is no memory. Say with buf_grew()
 * how many were put there, even if none. */
MUST size_t buf_space(struct buf *b, char **at);
void buf_grew(struct buf *b, size_t count);

/* As buf_space(), in a place that all share if nobody holds bytes there: reads that are dealt with
 * before the next one come without malloc(), and leave no holes behind. Who keeps some calls
 * buf_settle(), which moves them out of there. For processes with one thread. */
MUST size_t buf_share(struct buf *b, char **at);
void buf_settle(struct buf *b);

/* As buf_space(), for who knows how much it is at most: room for `count` bytes, or NULL. */
MUST char *buf_reserve(struct buf *b, size_t count);

void buf_drop(struct buf *b, size_t count);

static inline size_t buf_len(const struct buf *b)
{
    return (size_t)(b->to - b->from);
}

static inline size_t buf_room(const struct buf *b)
{
    return b->ceiling - buf_len(b);
}

/* What waits at the front; borrowed until the next add, space or drop. */
static inline struct span buf_peek(const struct buf *b)
{
    return (struct span){b->bytes ? b->bytes + b->from : "", buf_len(b)};
}
