/* SPDX-License-Identifier: Apache-2.0
 *
 * match - which of 64 bytes are a given one, as the bits of a number.
 *
 * What looks through whole messages is built on it: no byte is looked at alone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#ifdef __SSE2__
#include <emmintrin.h>
#else
#include <endian.h>
#include <string.h>
#endif

enum { MATCH_BYTES = 64 };

/* A function that may use AVX2, and whether it may be called here. */
#if defined __SSE2__ && defined __x86_64__
#define MATCH_WIDE __attribute__((target("avx2")))

static inline bool match_is_wide(void)
{
    return __builtin_cpu_supports("avx2");
}
#else
#define MATCH_WIDE

static inline bool match_is_wide(void)
{
    return false;
}
#endif

#ifdef __SSE2__

struct match {
    __m128i part[4];
};

static inline struct match match_load(const char at[MATCH_BYTES])
{
    struct match m;

    for (int i = 0; i < 4; i++)
        m.part[i] = _mm_loadu_si128((const __m128i *)(const void *)at + i);
    return m;
}

/* Bit i is set where byte i is `c`. */
static inline uint64_t match_byte(const struct match *m, char c)
{
    __m128i all = _mm_set1_epi8(c);
    uint64_t bits = 0;

    for (int i = 3; i >= 0; i--)
        bits = bits << 16 | (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(m->part[i], all));
    return bits;
}

#else

/* Eight bytes at a time in a number, as little-endian machines have them. */
struct match {
    uint64_t part[8];
};

static inline struct match match_load(const char at[MATCH_BYTES])
{
    struct match m;

    memcpy(m.part, at, sizeof m.part);
    for (int i = 0; i < 8; i++)
        m.part[i] = le64toh(m.part[i]);
    return m;
}

static inline uint64_t match_byte(const struct match *m, char c)
{
    const uint64_t ones = 0x0101010101010101, low = 0x7f7f7f7f7f7f7f7f;
    uint64_t bits = 0;

    for (int i = 7; i >= 0; i--) {
        uint64_t x = m->part[i] ^ ones * (uint8_t)c;         /* 0 where it is `c` */
        uint64_t hits = ~(((x & low) + low) | x | low) >> 7; /* then 1, and 0 elsewhere */

        bits = bits << 8 | hits * 0x0102040810204080 >> 56;
    }
    return bits;
}

#endif
