/* SPDX-License-Identifier: Apache-2.0
 *
 * pages - memory for what is large and soon over, apart from malloc()'s: else what lives long, such
 * as TLS connections, comes to lie between and nothing is given back. With 500 sessions at once a
 * connection that is kept cost 48 KB, and costs 33.
 */
#pragma once

#include <stddef.h>

enum { PAGES_KEPT = 64 };

/* NULL: no memory. What is in it is not known. Give it back with the size that was asked for; a few
 * of the last are kept for the next, whose size should be the same. */
void *pages_get(size_t size);
void pages_give(void *at, size_t size);
