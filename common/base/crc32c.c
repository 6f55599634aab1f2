/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32c.h"

#include <stdbool.h>

/* Eight tables, so that eight bytes are one step (slicing by 8). */
static uint32_t tables[8][256];
static bool made;

static void make_tables(void)
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;

        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
        tables[0][i] = crc;
    }
    for (unsigned t = 1; t < 8; t++)
        for (unsigned i = 0; i < 256; i++)
            tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 255];
    made = true;
}

static uint32_t low_word(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

uint32_t crc32c_plain(uint32_t before, struct span bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.at;
    uint32_t crc = ~before;
    size_t left = bytes.len;

    if (!made)
        make_tables();
    for (; left >= 8; left -= 8, at += 8) {
        uint32_t low = crc ^ low_word(at);

        crc = tables[7][low & 255] ^ tables[6][low >> 8 & 255] ^ tables[5][low >> 16 & 255] ^
              tables[4][low >> 24] ^ tables[3][at[4]] ^ tables[2][at[5]] ^ tables[1][at[6]] ^
              tables[0][at[7]];
    }
    for (; left > 0; left--, at++)
        crc = crc >> 8 ^ tables[0][(crc ^ *at) & 255];
    return ~crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) static uint32_t crc32c_fast(uint32_t before, struct span bytes)
{
    const char *at = bytes.at;
    uint64_t crc = (uint32_t)~before;
    size_t left = bytes.len;

    for (; left >= 8; left -= 8, at += 8) {
        uint64_t word;

        memcpy(&word, at, sizeof word);
        crc = __builtin_ia32_crc32di(crc, word);
    }
    for (; left > 0; left--, at++)
        crc = __builtin_ia32_crc32qi((uint32_t)crc, (unsigned char)*at);
    return ~(uint32_t)crc;
}

uint32_t crc32c(uint32_t before, struct span bytes)
{
    return __builtin_cpu_supports("sse4.2") ? crc32c_fast(before, bytes)
                                            : crc32c_plain(before, bytes);
}
#else
uint32_t crc32c(uint32_t before, struct span bytes)
{
    return crc32c_plain(before, bytes);
}
#endif
