/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#include <stdint.h>

static unsigned byte_at(struct span s, size_t at)
{
    return at < s.len ? (unsigned char)s.at[at] : 0;
}

size_t base64_write(char *to, struct span bytes)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
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
