/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/xtext.h"

static const char digits[] = "0123456789ABCDEF";
static const size_t none = (size_t)-1;

static bool is_plain(unsigned char c)
{
    return c > ' ' && c < 0x7f && c != '+' && c != '=';
}

size_t xtext_make(char *to, size_t size, struct span from)
{
    size_t len = 0;

    for (size_t i = 0; i < from.len; i++) {
        unsigned char c = (unsigned char)from.at[i];

        if (len + (is_plain(c) ? 1 : 3) >= size)
            return none;
        if (is_plain(c)) {
            to[len++] = (char)c;
            continue;
        }
        to[len++] = '+';
        to[len++] = digits[c >> 4];
        to[len++] = digits[c & 15];
    }
    if (len >= size)
        return none;
    to[len] = '\0';
    return len;
}

/* A digit's value, or -1. Capitals are the rule; not everyone keeps it. */
static int value_of(char c)
{
    const char *hit = memchr(digits, c >= 'a' ? c - 'a' + 'A' : c, 16);

    return hit ? (int)(hit - digits) : -1;
}

size_t xtext_read(char *to, size_t size, struct span from)
{
    size_t len = 0;

    while (from.len) {
        char c = from.at[0];
        size_t taken = c == '+' ? 3 : 1;

        if (c == '+') {
            int high = from.len < taken ? -1 : value_of(from.at[1]);
            int low = high < 0 ? -1 : value_of(from.at[2]);

            if (low < 0 || high + low == 0) /* NUL is in no text */
                return none;
            c = (char)(high << 4 | low);
        } else if (!is_plain((unsigned char)c)) {
            return none;
        }
        if (len + 1 >= size)
            return none;
        to[len++] = c;
        from = span_after(from, taken);
    }
    if (len >= size)
        return none;
    to[len] = '\0';
    return len;
}
