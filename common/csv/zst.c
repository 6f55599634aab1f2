/* SPDX-License-Identifier: Apache-2.0
 *
 * libzstd's door.
 */
#include "csv/unpack.h"

#include <zstd.h>
#include <zstd_errors.h>

static void *begin(void)
{
    return ZSTD_createDStream();
}

static enum unpacked some(void *state, struct span *from, struct unpack_room *to)
{
    ZSTD_inBuffer in = {from->at, from->len, 0};
    ZSTD_outBuffer out = {to->at, to->len, 0};
    size_t result = ZSTD_decompressStream(state, &out, &in);

    *from = span_after(*from, in.pos);
    to->at += out.pos;
    to->len -= out.pos;
    if (ZSTD_isError(result))
        return ZSTD_getErrorCode(result) == ZSTD_error_frameParameter_windowTooLarge ||
                       ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation
                   ? UNPACK_GREEDY
                   : UNPACK_BROKEN;
    return result == 0 ? UNPACK_DONE : UNPACK_ON;
}

static void end(void *state)
{
    ZSTD_freeDStream(state);
}

const struct unpack unpack_zst = {"zstd", {"\x28\xb5\x2f\xfd", 4}, begin, some, end};
