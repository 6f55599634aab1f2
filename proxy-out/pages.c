/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/pages.h"

#include <sanitizer/asan_interface.h>
#include <sys/mman.h>

static struct {
    void *at[PAGES_KEPT];
    unsigned count;
    size_t size; /* of each */
} kept;

void *pages_get(size_t size)
{
    void *at;

    if (kept.count > 0 && kept.size == size) {
        at = kept.at[--kept.count];
        ASAN_UNPOISON_MEMORY_REGION(at, size);
        return at;
    }
    at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

void pages_give(void *at, size_t size)
{
    if (!at)
        return;
    if (kept.count == 0)
        kept.size = size;
    if (kept.count == PAGES_KEPT || kept.size != size) {
        (void)munmap(at, size);
        return;
    }
    kept.at[kept.count++] = at;
    ASAN_POISON_MEMORY_REGION(at, size); /* as with what was freed */
}
