/* SPDX-License-Identifier: Apache-2.0
 *
 * match - looks at sixteen bytes at once.
 *
 * What goes through whole messages is built on it: no byte is looked at alone. These are
 * GCC's vectors: SSE2, NEON or what there is; a machine without any does it in words.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { MATCH_BYTES = 16 };

typedef unsigned char match_bytes __attribute__((vector_size(MATCH_BYTES)));

static inline match_bytes match_load(const char *at)
{
    match_bytes bytes;

    memcpy(&bytes, at, sizeof bytes);
    return bytes;
}

/* All bits of a byte are set where it is `c`, else none. */
static inline match_bytes match_is(match_bytes bytes, char c)
{
    return (match_bytes)(bytes == (unsigned char)c);
}

static inline bool match_any(match_bytes found)
{
    uint64_t half[2];

    memcpy(half, &found, sizeof half);
    return (half[0] | half[1]) != 0;
}

/* Where the first set byte is; there must be one. */
static inline size_t match_first(match_bytes found)
{
    size_t i = 0;

    while (!found[i])
        i++;
    return i;
}
