/* SPDX-License-Identifier: Apache-2.0
 *
 * block - memory for what comes and goes with every line and every session.
 *
 * 430 blocks are taken and given back in a TLS session, and with many sessions at once the buffers
 * of all of them; but the heap keeps no more than seven of a size at hand. So some wait here for
 * the next, as they were: who frees a secret wipes it before, as with the heap.
 */
#pragma once

#include <stddef.h>

enum {
    BLOCK_LARGEST = 8192,   /* about; what is larger does not wait */
    BLOCKS_KEPT = 256 << 10 /* bytes of such that wait, all together */
};

/* From here on they wait: for processes with one thread. Until then the next two are malloc() and
 * free(). */
void blocks_keep(void);

/* As malloc() and free(), whose blocks they are: what comes from malloc() may be given, and what
 * was got here may be resized by realloc() or freed. Who gives the same twice does not go on. */
void *block_get(size_t size);
void block_give(void *at);
