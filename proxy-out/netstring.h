/* SPDX-License-Identifier: Apache-2.0
 *
 * netstring - "5:hello,": how socketmap frames what it says. Pure.
 */
#pragma once

#include "base/buf.h"

enum { NETSTRING_MAX = 2048 };

/* 1: `*out` is the first string in `in`, and `*used` bytes are its frame. 0: more is needed.
 * -1: it is none, or longer than NETSTRING_MAX. */
MUST int netstring_read(struct span in, struct span *out, size_t *used);

/* All of it, or nothing and false. */
MUST bool netstring_write(struct buf *to, struct span text);
