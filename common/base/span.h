/* SPDX-License-Identifier: Apache-2.0
 *
 * span - a stretch of someone else's bytes.
 *
 * A span owns nothing and is not NUL-terminated. It is good until its owner
 * moves, which for bytes from a buf is the next call that adds or drops.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* A result that must be looked at. */
#define MUST __attribute__((warn_unused_result))

/* How many elements an array has; not for pointers. */
#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

struct span {
    const char *at;
    size_t len;
};

#define SPAN(literal) ((struct span){"" literal, sizeof(literal) - 1})

/* For printf's %.*s. */
#define SPAN_ARG(s) (int)(s).len, (s).at

static inline struct span span_of(const char *text)
{
    return (struct span){text, strlen(text)};
}

/* Of all together. */
static inline size_t spans_len(const struct span *pieces, size_t count)
{
    size_t len = 0;

    for (size_t i = 0; i < count; i++)
        len += pieces[i].len;
    return len;
}

static inline bool span_same(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.at, b.at, a.len) == 0);
}

static inline bool span_is(struct span s, const char *text)
{
    return strlen(text) == s.len && (s.len == 0 || memcmp(s.at, text, s.len) == 0);
}

/* `len` bytes, whatever their case. Most words differ in the first one already. */
static inline bool span_alike(const char *a, const char *b, size_t len)
{
    return len == 0 || ((*a | ' ') == (*b | ' ') && strncasecmp(a, b, len) == 0);
}

static inline bool span_same_nocase(struct span a, struct span b)
{
    return a.len == b.len && span_alike(a.at, b.at, a.len);
}

static inline bool span_is_nocase(struct span s, const char *text)
{
    return span_same_nocase(s, span_of(text));
}

static inline bool span_starts(struct span s, const char *text)
{
    size_t len = strlen(text);

    return len <= s.len && (len == 0 || memcmp(s.at, text, len) == 0);
}

static inline bool span_starts_nocase(struct span s, const char *text)
{
    size_t len = strlen(text);

    return len <= s.len && span_alike(s.at, text, len);
}

/* What is left of `s` without its first `count` bytes, which must be there. */
static inline struct span span_after(struct span s, size_t count)
{
    return (struct span){s.at + count, s.len - count};
}

/* Without the spaces and tabs at both ends. */
static inline struct span span_trim(struct span s)
{
    while (s.len > 0 && (*s.at == ' ' || *s.at == '\t'))
        s = span_after(s, 1);
    while (s.len > 0 && (s.at[s.len - 1] == ' ' || s.at[s.len - 1] == '\t'))
        s.len--;
    return s;
}

/* Cuts `s` at the first `c`: the part before it comes back, `s` becomes the part
 * behind it. Without a `c`, all of it comes back and `s` is empty. */
static inline struct span span_cut(struct span *s, char c)
{
    const char *hit = s->len ? memchr(s->at, c, s->len) : NULL;
    struct span front = {s->at, hit ? (size_t)(hit - s->at) : s->len};

    *s = span_after(*s, hit ? front.len + 1 : front.len);
    return front;
}
