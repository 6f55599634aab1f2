/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/flat.h"

#include <stdint.h>

#include "base/text.h"

void flat_init(struct flat *f, struct span object)
{
    *f = (struct flat){.rest = object};
}

static bool take(struct flat *f, char c)
{
    if (f->rest.len == 0 || f->rest.at[0] != c)
        return false;
    f->rest = span_after(f->rest, 1);
    return true;
}

/* How many bytes the character at the front has, beyond ASCII; 0: no text may have it. */
static size_t rare(struct span s)
{
    size_t len = 1;

    if ((unsigned char)s.at[0] < 0x80)
        return 0;
    while (len < s.len && ((unsigned char)s.at[len] & 0xc0) == 0x80)
        len++;
    return text_is_utf8((struct span){s.at, len}) ? len : 0;
}

/* Up to the quote at its end, which is taken. */
static bool take_text(struct flat *f, struct span *text, bool *escaped)
{
    struct span s = f->rest;
    size_t at = text_plain(s);

    *escaped = false;
    while (at < s.len && s.at[at] != '"') {
        size_t len = 2;

        if (s.at[at] != '\\')
            len = rare(span_after(s, at));
        else if (s.len - at < 2 || (s.at[at + 1] != '"' && s.at[at + 1] != '\\'))
            return false;
        else
            *escaped = true;
        if (len == 0)
            return false;
        at += len;
        at += text_plain(span_after(s, at));
    }
    if (at == s.len)
        return false;
    *text = (struct span){s.at, at};
    f->rest = span_after(s, at + 1);
    return true;
}

/* How many, up to `most`; they go to `*n` behind what it has. */
static size_t take_digits(struct flat *f, size_t most, uint64_t *n)
{
    size_t count = 0;

    while (count < most && count < f->rest.len && (unsigned char)(f->rest.at[count] - '0') < 10)
        *n = *n * 10 + (uint64_t)(f->rest.at[count++] - '0');
    f->rest = span_after(f->rest, count);
    return count;
}

/* Digits, and perhaps a point and digits; ours have sixteen. */
static bool take_number(struct flat *f, double *number)
{
    enum { DIGITS = 16 };
    uint64_t n = 0, unit = 1;
    size_t whole = take_digits(f, DIGITS, &n), parts = 0;
    bool point = whole > 0 && take(f, '.');

    if (point)
        parts = take_digits(f, DIGITS - whole, &n);
    for (size_t i = 0; i < parts; i++)
        unit *= 10;
    *number = (double)n / (double)unit;
    return whole > 0 && (!point || parts > 0);
}

enum flat_is flat_next(struct flat *f, struct flat_member *out)
{
    bool escaped;

    if (f->begun && take(f, '}'))
        return f->rest.len == 0 ? FLAT_OVER : FLAT_BAD;
    if (!take(f, f->begun ? ',' : '{') || !take(f, '"') || !take_text(f, &out->name, &escaped) ||
        escaped || !take(f, ':'))
        return FLAT_BAD;
    f->begun = true;
    out->is_text = take(f, '"');
    if (out->is_text)
        return flat_text(f, out) ? FLAT_MEMBER : FLAT_BAD;
    return take_number(f, &out->number) ? FLAT_MEMBER : FLAT_BAD;
}

bool flat_begins(struct flat *f, struct span start)
{
    if (start.at[0] != (f->begun ? ',' : '{') || start.len > f->rest.len ||
        memcmp(f->rest.at, start.at, start.len) != 0)
        return false;
    f->rest = span_after(f->rest, start.len);
    f->begun = true;
    return true;
}

bool flat_text(struct flat *f, struct flat_member *out)
{
    out->is_text = true;
    return take_text(f, &out->text, &out->escaped);
}

bool flat_number(struct flat *f, struct flat_member *out)
{
    out->is_text = out->escaped = false;
    return take_number(f, &out->number);
}

size_t flat_plain(char *to, struct span text)
{
    size_t len = 0;

    for (size_t i = 0; i < text.len; i++) {
        i += text.at[i] == '\\' && i + 1 < text.len;
        to[len++] = text.at[i];
    }
    return len;
}
