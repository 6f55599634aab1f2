/* SPDX-License-Identifier: Apache-2.0
 *
 * fields - the names of record types and columns, as the file gives them. Pure.
 */
#pragma once

#include "base/option.h"
#include "conf/arena.h"

/* Puts the letters in place of long names. The first that is no type comes back, else NULL. */
const char *fields_types(struct texts *types, struct arena *arena);

/* The first that is neither a column, nor header_NAME, nor *, nor one of these with ! in front,
 * else NULL; `*best` is the column
 * that may be meant, if one is near. */
const char *fields_unknown(const struct texts *fields, const char **best);
