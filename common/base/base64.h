/* SPDX-License-Identifier: Apache-2.0
 *
 * base64 - bytes as letters (RFC 4648, 4), in one line, with padding.
 */
#pragma once

#include "base/span.h"

/* Room for `len` bytes as letters, without a NUL. */
#define BASE64_SIZE(len) (((len) + 2) / 3 * 4)

/* Writes BASE64_SIZE(bytes.len) letters; their number comes back. */
size_t base64_write(char *to, struct span bytes);

/* What the letters say, which is shorter; its length comes back. (size_t)-1: they are none, or are
 * not padded as they must be. */
size_t base64_read(char *to, struct span from);
