/* SPDX-License-Identifier: Apache-2.0
 *
 * arena - memory of a snapshot, which goes as a whole.
 */
#pragma once

#include "base/span.h"

struct arena;

/* Only here may memory be lacking: NULL. */
struct arena *arena_new(void);
void arena_free(struct arena **a);

/* Zeroed, for anything. Never NULL: a program without memory for its own configuration ends. */
void *arena_get(struct arena *a, size_t count, size_t size);

/* A copy with a NUL. */
const char *arena_text(struct arena *a, struct span s);
