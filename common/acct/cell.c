/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/cell.h"

#include <stdint.h>

#include "base/text.h"
#include "tell/record.h"

/* What is special about a byte. */
enum { UNCLEAN = 1, COMMA = 2, QUOTE = 4, BACKSLASH = 8 };

static const uint8_t special[256] = {
    [0 ... 0x1f] = UNCLEAN,    ['"'] = QUOTE, [','] = COMMA, ['\\'] = BACKSLASH,
    [0x7f ... 0xff] = UNCLEAN,
};

/* How much of the front has none of that: nearly always all of it. */
static size_t plain_run(struct span value, unsigned what)
{
    size_t len = 0;

    while (len < value.len && !(special[(uint8_t)value.at[len]] & what))
        len++;
    return len;
}

static size_t put(char *to, struct span s)
{
    if (s.len > 0)
        memcpy(to, s.at, s.len);
    return s.len;
}

/* With `mark` in front of each byte that is `what`. */
static size_t put_marked(char *to, struct span value, unsigned what, char mark)
{
    size_t len = 0;

    while (value.len > 0) {
        size_t run = plain_run(value, what);

        len += put(to + len, (struct span){value.at, run});
        value = span_after(value, run);
        if (value.len > 0) {
            to[len++] = mark;
            to[len++] = value.at[0];
            value = span_after(value, 1);
        }
    }
    return len;
}

/* Some spreadsheets take the wide signs (U+FF1D and so on) for the same. */
static bool is_formula(struct span value)
{
    static const char *const signs[] = {
        "=", "+", "-", "@", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0",
    };

    for (size_t i = 0; i < COUNT_OF(signs); i++) {
        if (span_starts_nocase(value, signs[i]))
            return true;
    }
    return false;
}

size_t cell_csv(char *to, struct span value, bool guard)
{
    char clean[RECORD_MAX + 1];
    bool quoted;
    size_t len = 0;

    guard = guard && is_formula(value);
    if (!guard && value.len <= RECORD_MAX && plain_run(value, UNCLEAN | COMMA | QUOTE) == value.len)
        return put(to, value);
    value = (struct span){clean, text_clean(clean, sizeof clean, value)};
    quoted = plain_run(value, COMMA | QUOTE) < value.len;
    if (quoted)
        to[len++] = '"';
    if (guard)
        to[len++] = '\'';
    len += put_marked(to + len, value, QUOTE, '"');
    if (quoted)
        to[len++] = '"';
    return len;
}

size_t cell_json(char *to, struct span value)
{
    char clean[RECORD_MAX + 1];
    size_t len = 0;

    if (value.len > RECORD_MAX || plain_run(value, UNCLEAN) < value.len)
        value = (struct span){clean, text_clean(clean, sizeof clean, value)};
    to[len++] = '"';
    len += put_marked(to + len, value, QUOTE | BACKSLASH, '\\');
    to[len++] = '"';
    return len;
}
