/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/shared.h"

#include <sys/mman.h>
#include <sys/random.h>

void *shared_new(size_t size, uint64_t seed[2])
{
    const size_t seed_size = 2 * sizeof *seed;
    void *at =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (at == MAP_FAILED)
        return NULL;
    if (getrandom(seed, seed_size, 0) == (ssize_t)seed_size)
        return at;
    shared_free(at, size);
    return NULL;
}

void shared_free(void *at, size_t size)
{
    if (at)
        (void)munmap(at, size);
}
