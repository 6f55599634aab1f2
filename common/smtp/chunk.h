/* SPDX-License-Identifier: Apache-2.0
 *
 * chunk - a message in counted pieces: BDAT (RFC 3030, 2).
 *
 * A chunk ends where its count says, and a lone dot in it is text like any other. But whoever
 * reads the message later ends lines by what it finds: so a CR or LF on its own and a NUL are
 * kept out as `dot` does, and a CRLF may be cut in two by the border of two chunks. There the CR
 * has gone before the LF can be seen; what follows it instead is refused, always.
 */
#pragma once

#include <stdint.h>

#include "smtp/dot.h"

/* The most octets of one chunk. There are servers that count in 32 bits, and what one of them
 * counts in another way than we do would be commands to it. */
#define CHUNK_MOST ((unsigned long)INT32_MAX)

struct chunk {
    unsigned long left; /* octets that are still to be looked at */
    bool last;          /* of its message */
    bool after_cr;      /* the chunk before it ended with a CR */
};

/* A message begins. */
void chunk_init(struct chunk *c);

/* Reads the argument of BDAT: the next chunk begins. False: it is none, or above CHUNK_MOST. */
MUST bool chunk_read(struct chunk *c, struct span arg);

/* Looks at bytes of this chunk, `left` of them at most, that begin with those that the last call
 * held back (a CR). `*seen` are done: they are in order, or were made so, and may be passed on.
 * False: refused; nothing behind `*seen` may be passed on. */
MUST bool chunk_scan(struct chunk *c, enum dot_bare bare, char *bytes, size_t len, size_t *seen);

/* Are the chunks a whole message? Not if they end with a CR. Where `left` is 0. */
bool chunk_is_whole(const struct chunk *c);
