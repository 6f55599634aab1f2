/* SPDX-License-Identifier: Apache-2.0
 *
 * shared - memory of a table that the master makes and all of its children see.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

/* `size` zeroes, of which only what is touched takes room, and a seed for siphash(), so that nobody
 * outside can choose where a name lies. NULL: there is no memory, or no chance. */
MUST void *shared_new(size_t size, uint64_t seed[2]);

/* NULL is nothing. */
void shared_free(void *at, size_t size);
