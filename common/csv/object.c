/* SPDX-License-Identifier: Apache-2.0 */
#include "csv/object.h"

#include <stdint.h>

struct cursor {
    char *at, *end;
};

static bool next_is(struct cursor *c, char byte)
{
    while (c->at < c->end && strchr(" \t\r\n", *c->at) && *c->at)
        c->at++;
    if (c->at == c->end || *c->at != byte)
        return false;
    c->at++;
    return true;
}

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four digits behind \u. */
static bool take_unit(struct cursor *c, unsigned *out)
{
    *out = 0;
    if (c->end - c->at < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        int digit = hex(*c->at++);

        if (digit < 0)
            return false;
        *out = *out << 4 | (unsigned)digit;
    }
    return true;
}

static char *put(char *to, uint32_t code)
{
    if (code < 0x80) {
        *to++ = (char)code;
        return to;
    }
    if (code < 0x800) {
        *to++ = (char)(0xc0 | code >> 6);
    } else if (code < 0x10000) {
        *to++ = (char)(0xe0 | code >> 12);
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    } else {
        *to++ = (char)(0xf0 | code >> 18);
        *to++ = (char)(0x80 | (code >> 12 & 0x3f));
        *to++ = (char)(0x80 | (code >> 6 & 0x3f));
    }
    *to++ = (char)(0x80 | (code & 0x3f));
    return to;
}

/* Half of a pair alone is what is said for what cannot be said. */
static bool take_code(struct cursor *c, char **to)
{
    unsigned high, low;

    if (!take_unit(c, &high))
        return false;
    if (high >= 0xd800 && high < 0xdc00 && c->end - c->at >= 2 && c->at[0] == '\\' &&
        c->at[1] == 'u') {
        c->at += 2;
        if (!take_unit(c, &low))
            return false;
        if (low >= 0xdc00 && low < 0xe000) {
            *to = put(*to, 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00));
            return true;
        }
        *to = put(*to, 0xfffd);
        high = low;
    }
    *to = put(*to, high >= 0xd800 && high < 0xe000 ? 0xfffd : high);
    return true;
}

static bool take_escaped(struct cursor *c, char **to)
{
    static const char from[] = "\"\\/bfnrt", means[] = "\"\\/\b\f\n\r\t";
    const char *hit;

    if (c->at == c->end)
        return false;
    if (*c->at == 'u') {
        c->at++;
        return take_code(c, to);
    }
    hit = *c->at ? strchr(from, *c->at) : NULL;
    if (!hit)
        return false;
    c->at++;
    *(*to)++ = means[hit - from];
    return true;
}

/* Behind the opening quote; what is escaped takes less room when it is not. */
static bool take_string(struct cursor *c, struct span *out)
{
    char *begin = c->at, *to;

    while (c->at < c->end && *c->at != '"' && *c->at != '\\')
        c->at++;
    to = c->at;
    while (c->at < c->end && *c->at != '"') {
        if (*c->at != '\\') {
            *to++ = *c->at++;
            continue;
        }
        c->at++;
        if (!take_escaped(c, &to))
            return false;
    }
    if (c->at == c->end)
        return false;
    c->at++;
    *out = (struct span){begin, (size_t)(to - begin)};
    return true;
}

/* An array or an object as it stands, to the bracket that closes it. */
static bool take_nested(struct cursor *c, struct span *out)
{
    char *begin = c->at;
    unsigned depth = 0;
    bool quoted = false;

    for (; c->at < c->end; c->at++) {
        if (quoted) {
            if (*c->at == '\\' && c->at + 1 < c->end)
                c->at++;
            else if (*c->at == '"')
                quoted = false;
        } else if (*c->at == '"') {
            quoted = true;
        } else if (*c->at == '[' || *c->at == '{') {
            depth++;
        } else if ((*c->at == ']' || *c->at == '}') && --depth == 0) {
            c->at++;
            *out = (struct span){begin, (size_t)(c->at - begin)};
            return true;
        }
    }
    return false;
}

static bool take_word(struct cursor *c, struct span *out)
{
    char *begin = c->at;

    while (c->at < c->end && *c->at &&
           (strchr("+-.", *c->at) || (*c->at >= '0' && *c->at <= '9') ||
            (*c->at >= 'A' && *c->at <= 'Z') || (*c->at >= 'a' && *c->at <= 'z')))
        c->at++;
    *out = (struct span){begin, (size_t)(c->at - begin)};
    if (span_is(*out, "null"))
        out->len = 0;
    return c->at > begin;
}

static bool take_value(struct cursor *c, struct span *out)
{
    if (next_is(c, '"'))
        return take_string(c, out);
    if (c->at < c->end && (*c->at == '[' || *c->at == '{'))
        return take_nested(c, out);
    return take_word(c, out);
}

/* Members mostly come in the order in which they are wanted. */
static size_t find(struct span name, const char *const *names, size_t count, size_t from)
{
    for (size_t i = 0; i < count; i++) {
        size_t at = from + i < count ? from + i : from + i - count;

        if (name.len && *names[at] == *name.at && span_is(name, names[at]))
            return at;
    }
    return count;
}

static bool take_member(struct cursor *c, const char *const *names, size_t count,
                        struct span *cells, size_t *from)
{
    struct span name, value;
    size_t at;

    if (!next_is(c, '"') || !take_string(c, &name) || !next_is(c, ':') || !take_value(c, &value))
        return false;
    at = find(name, names, count, *from);
    if (at < count) {
        cells[at] = value;
        *from = at + 1 < count ? at + 1 : 0;
    }
    return true;
}

bool object_read(char *line, size_t len, const char *const *names, size_t count, struct span *cells)
{
    struct cursor c = {line, line + len};
    size_t from = 0;

    for (size_t i = 0; i < count; i++)
        cells[i] = (struct span){NULL, 0};
    if (!next_is(&c, '{'))
        return false;
    if (!next_is(&c, '}')) {
        do {
            if (!take_member(&c, names, count, cells, &from))
                return false;
        } while (next_is(&c, ','));
        if (!next_is(&c, '}'))
            return false;
    }
    return !next_is(&c, '\0') && c.at == c.end;
}
