/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/cell.h"

#include "base/text.h"
#include "tell/record.h"

static size_t put(char *to, struct span s)
{
    if (s.len > 0)
        memcpy(to, s.at, s.len);
    return s.len;
}

/* Nothing to be cleaned, quotes or backslashes: nearly always. */
static bool is_plain(struct span value)
{
    return value.len <= RECORD_MAX && text_plain(value) == value.len;
}

/* With `mark` in front of each byte that is `first` or `second`. */
static size_t put_marked(char *to, struct span value, char first, char second, char mark)
{
    size_t len = 0;

    while (value.len > 0) {
        size_t run = text_plain(value);

        len += put(to + len, (struct span){value.at, run});
        value = span_after(value, run);
        if (value.len == 0)
            break;
        if (value.at[0] == first || value.at[0] == second)
            to[len++] = mark;
        to[len++] = value.at[0];
        value = span_after(value, 1);
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

static size_t put_quoted(char *to, struct span value)
{
    size_t len = put(to + 1, value);

    to[0] = to[len + 1] = '"';
    return len + 2;
}

/* Where a cell may begin: what a spreadsheet sees behind blanks and quotes. */
static bool is_guarded(struct span value)
{
    while (value.len > 0 && (*value.at == '"' || *value.at == ' '))
        value = span_after(value, 1);
    return is_formula(value);
}

/* Some countries' spreadsheets begin a cell at each semicolon. */
static size_t put_guarded(char *to, struct span value)
{
    size_t len = 0;

    while (value.len > 0) {
        const char *end = memchr(value.at, ';', value.len);
        size_t part = end ? (size_t)(end - value.at) + 1 : value.len;

        if (is_guarded(value))
            to[len++] = '\'';
        len += put_marked(to + len, (struct span){value.at, part}, '"', '"', '"');
        value = span_after(value, part);
    }
    return len;
}

/* Apart, as a function with so much on its stack is dear to enter: cells are mostly empty or plain.
 */
__attribute__((noinline)) static size_t put_odd(char *to, struct span value, bool guard)
{
    char clean[RECORD_MAX + 1];
    bool quoted;
    size_t len = 0;

    value = (struct span){clean, text_clean(clean, sizeof clean, value)};
    quoted = memchr(value.at, ',', value.len) || memchr(value.at, '"', value.len);
    if (quoted)
        to[len++] = '"';
    len += guard ? put_guarded(to + len, value) : put_marked(to + len, value, '"', '"', '"');
    if (quoted)
        to[len++] = '"';
    return len;
}

size_t cell_csv(char *to, struct span value, bool guard)
{
    if (value.len == 0)
        return 0;
    if (guard || value.len > RECORD_MAX || !text_copy_plain(to, value))
        return put_odd(to, value, guard);
    return memchr(to, ',', value.len) ? put_quoted(to, value) : value.len;
}

size_t cell_json(char *to, struct span value)
{
    char clean[RECORD_MAX + 1];
    size_t len = 0;

    if (is_plain(value))
        return put_quoted(to, value);
    value = (struct span){clean, text_clean(clean, sizeof clean, value)};
    to[len++] = '"';
    len += put_marked(to + len, value, '"', '\\', '\\');
    to[len++] = '"';
    return len;
}
