/* SPDX-License-Identifier: Apache-2.0
 *
 * unpack - one way of packing: a file each is a library's door.
 */
#pragma once

#include "base/span.h"

struct unpack_room {
    char *at;
    size_t len;
};

enum unpacked {
    UNPACK_ON,     /* it took what it could, or gave what had room */
    UNPACK_DONE,   /* this was its end; another may follow */
    UNPACK_BROKEN, /* not what it says it is */
    UNPACK_GREEDY, /* it needs more memory than it gets */
};

struct unpack {
    const char *name;
    struct span magic;
    void *(*begin)(void); /* NULL: no memory */
    /* `from` and `to` become what is left of them. */
    enum unpacked (*some)(void *state, struct span *from, struct unpack_room *to);
    void (*end)(void *state);
};

extern const struct unpack unpack_gz, unpack_zst, unpack_xz;
