/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <stdint.h>

static unsigned byte_at(struct span s, size_t at)
{
    return at < s.len ? (unsigned char)s.at[at] : 0;
}

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

size_t base64_write(char *to, struct span bytes)
{
    char *start = to;

    for (size_t i = 0; i < bytes.len; i += 3) {
        uint32_t three =
            byte_at(bytes, i) << 16 | byte_at(bytes, i + 1) << 8 | byte_at(bytes, i + 2);

        *to++ = letters[three >> 18];
        *to++ = letters[three >> 12 & 63];
        *to++ = i + 1 < bytes.len ? letters[three >> 6 & 63] : '=';
        *to++ = i + 2 < bytes.len ? letters[three & 63] : '=';
    }
    return (size_t)(to - start);
}

size_t base64_read(char *to, struct span from)
{
    size_t len = 0, bits = 0;
    uint32_t held = 0;

    if (from.len % 4 != 0)
        return (size_t)-1;
    for (int i = 0; i < 2 && from.len > 0 && from.at[from.len - 1] == '='; i++)
        from.len--;
    for (size_t i = 0; i < from.len; i++) {
        const char *letter = memchr(letters, from.at[i], sizeof letters - 1);

        if (!letter)
            return (size_t)-1;
        held = held << 6 | (uint32_t)(letter - letters);
        bits += 6;
        if (bits >= 8)
            to[len++] = (char)(held >> (bits -= 8));
    }
    return len;
}
