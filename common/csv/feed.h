/* SPDX-License-Identifier: Apache-2.0
 *
 * feed - the bytes of a file, unpacked where it is packed.
 *
 * How it is packed is seen from its first bytes, not from its name: gzip, zstd or xz, several
 * of them one behind the other as well.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

struct feed;

/* `path` may be "-", standard input. NULL with one line in `why`. */
struct feed *feed_open(const char *path, char *why, size_t size);
void feed_free(struct feed **f);

/* Of bytes that come from `fd`, which stays the caller's. NULL: no memory. */
struct feed *feed_of(int fd);

/* How many bytes were put at `to`, as many as there is room for while there are any; 0: that was
 * all. -1: feed_why() says what is wrong, and there will be no more. */
MUST long feed_read(struct feed *f, char *to, size_t room);

/* "ends too early", "is damaged (gzip)"; "" while all is well. */
const char *feed_why(const struct feed *f);

/* Nothing but its end is missing: it is still being written. */
bool feed_is_cut(const struct feed *f);

/* Where in the file, packed as it is. */
uint64_t feed_at(const struct feed *f);
