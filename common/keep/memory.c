/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/memory.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { TIDY_STEP = 64 };

static const size_t ceiling = (size_t)512 << 20; /* of the file; it is as large as it must */
static const double far_off = 1e12;              /* seconds since 1970: beyond every end */

static const char *const tables[] = {
#define MEMORY(name, table, most) table,
    MEMORY_KINDS(MEMORY)
#undef MEMORY
        NULL,
};

static const size_t most[] = {
#define MEMORY(name, table, most) most,
    MEMORY_KINDS(MEMORY)
#undef MEMORY
};

bool memory_is_made(const char *state_directory)
{
    char file[4200];

    /* Without the file of its locks, that would be made, and be the wrong user's. */
    return snprintf(file, sizeof file, "%s/outbound/lock.mdb", state_directory) <
               (int)sizeof file &&
           access(file, F_OK) == 0;
}

struct store *memory_open(const char *state_directory, bool make, char *why, size_t size)
{
    char folder[4096];

    snprintf(folder, sizeof folder, "%s/outbound", state_directory);
    if (make || memory_is_made(state_directory))
        return store_open(folder, tables, ceiling, true, why, size);
    snprintf(why, size, "%s: nothing is remembered there", folder);
    return NULL;
}

long memory_get(struct store *s, enum memory_kind kind, struct span key, double now, void *to,
                size_t size)
{
    struct store_txn *t = store_look(s);
    struct span value;
    double until;
    long len = -1;

    if (t && store_get_until(t, kind, key, &value, &until) && (until <= 0 || now < until) &&
        value.len <= size) {
        if (value.len > 0)
            memcpy(to, value.at, value.len);
        len = (long)value.len;
    }
    store_abort(&t);
    return len;
}

void memory_put(struct store_txn *t, enum memory_kind kind, struct span key, struct span value,
                double until)
{
    if (store_put(t, kind, key, value, until) && store_count(t, kind) > most[kind])
        store_expire(t, kind, far_off, 1);
}

void memory_tidy(struct store_txn *t, double now)
{
    for (unsigned kind = 0; kind < MEMORY_COUNT; kind++)
        store_expire(t, kind, now, TIDY_STEP);
}
