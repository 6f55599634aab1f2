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

/* No domain's name. */
static const struct span counter = {".", 1};
static const double remembered_gone = 86400; /* seconds, for processes that are stopped meanwhile */

static uint64_t number_at(struct store_txn *t, struct span key)
{
    struct span value;
    uint64_t number = 0;

    if (store_get(t, MEMORY_GONE, key, &value) && value.len == sizeof number)
        memcpy(&number, value.at, sizeof number);
    return number;
}

unsigned memory_forget(struct store_txn *t, struct span domain, double now)
{
    uint64_t number = number_at(t, counter) + 1;
    struct span value = {(const char *)&number, sizeof number};
    unsigned had = 0;

    if (store_drop(t, MEMORY_SEEN, domain))
        had |= 1U << MEMORY_SEEN;
    if (store_drop(t, MEMORY_STS, domain))
        had |= 1U << MEMORY_STS;
    memory_put(t, MEMORY_GONE, domain, value, now + remembered_gone);
    memory_put(t, MEMORY_GONE, counter, value, 0);
    return had;
}

struct since {
    uint64_t number;
    memory_forgotten_fn *fn;
    void *arg;
};

static bool tell_one(void *arg, struct span key, struct span value)
{
    const struct since *s = arg;
    char domain[256];
    uint64_t number;

    if (value.len != sizeof number || key.len >= sizeof domain || span_same(key, counter))
        return true;
    memcpy(&number, value.at, sizeof number);
    if (number <= s->number)
        return true;
    memcpy(domain, key.at, key.len);
    domain[key.len] = '\0';
    s->fn(s->arg, domain);
    return true;
}

uint64_t memory_forgotten(struct store_txn *t, uint64_t since, memory_forgotten_fn *fn, void *arg)
{
    uint64_t now = number_at(t, counter);

    if (now != since && fn)
        store_walk(t, MEMORY_GONE, tell_one, &(struct since){since, fn, arg});
    return now;
}

void memory_tidy(struct store_txn *t, double now)
{
    for (unsigned kind = 0; kind < MEMORY_COUNT; kind++)
        store_expire(t, kind, now, TIDY_STEP);
}
