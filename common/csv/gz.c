/* SPDX-License-Identifier: Apache-2.0
 *
 * zlib's door.
 */
#include "csv/pack.h"
#include "csv/unpack.h"

#include <stdint.h>
#include <stdlib.h>
#include <zlib.h>

enum { WINDOW = 15, OF_GZIP = 16, MEMORY = 8 };

static void *begin(void)
{
    z_stream *z = calloc(1, sizeof *z);

    if (z && inflateInit2(z, WINDOW + OF_GZIP) == Z_OK)
        return z;
    free(z);
    return NULL;
}

static enum unpacked some(void *state, struct span *from, struct unpack_room *to)
{
    z_stream *z = state;
    int result;

    z->next_in = (Bytef *)(uintptr_t)from->at;
    z->avail_in = (uInt)from->len;
    z->next_out = (Bytef *)to->at;
    z->avail_out = (uInt)to->len;
    result = inflate(z, Z_NO_FLUSH);
    *from = span_after(*from, from->len - z->avail_in);
    to->at = (char *)z->next_out;
    to->len = z->avail_out;
    if (result == Z_STREAM_END)
        return UNPACK_DONE;
    return result == Z_OK || result == Z_BUF_ERROR ? UNPACK_ON : UNPACK_BROKEN;
}

static void end(void *state)
{
    inflateEnd(state);
    free(state);
}

const struct unpack unpack_gz = {"gzip", {"\x1f\x8b", 2}, begin, some, end};

bool pack_gz(struct buf *to, struct span from)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)from.at, .avail_in = (uInt)from.len};
    char *at;
    bool ok = deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, WINDOW + OF_GZIP, MEMORY,
                           Z_DEFAULT_STRATEGY) == Z_OK;

    if (!ok)
        return false;
    z.avail_out = (uInt)deflateBound(&z, (uLong)from.len);
    at = buf_reserve(to, z.avail_out);
    z.next_out = (Bytef *)at;
    ok = at && deflate(&z, Z_FINISH) == Z_STREAM_END;
    buf_grew(to, ok ? (size_t)z.total_out : 0);
    deflateEnd(&z);
    return ok;
}
