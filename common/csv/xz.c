/* SPDX-License-Identifier: Apache-2.0
 *
 * liblzma's door.
 */
#include "csv/unpack.h"

#include <lzma.h>
#include <stdlib.h>

/* xz -9 wants 65 MB. */
enum { MEMORY_MAX = 256 << 20 };

static void *begin(void)
{
    lzma_stream *z = calloc(1, sizeof *z);

    if (z && lzma_stream_decoder(z, MEMORY_MAX, 0) == LZMA_OK)
        return z;
    free(z);
    return NULL;
}

static enum unpacked some(void *state, struct span *from, struct unpack_room *to)
{
    lzma_stream *z = state;
    lzma_ret result;

    z->next_in = (const uint8_t *)from->at;
    z->avail_in = from->len;
    z->next_out = (uint8_t *)to->at;
    z->avail_out = to->len;
    result = lzma_code(z, LZMA_RUN);
    *from = span_after(*from, from->len - z->avail_in);
    to->at = (char *)z->next_out;
    to->len = z->avail_out;
    if (result == LZMA_STREAM_END)
        return UNPACK_DONE;
    if (result == LZMA_MEMLIMIT_ERROR || result == LZMA_MEM_ERROR)
        return UNPACK_GREEDY;
    return result == LZMA_OK || result == LZMA_BUF_ERROR ? UNPACK_ON : UNPACK_BROKEN;
}

static void end(void *state)
{
    lzma_end(state);
    free(state);
}

const struct unpack unpack_xz = {"xz", {"\xfd\x37zXZ\0", 6}, begin, some, end};
