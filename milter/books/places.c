/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/places.h"

#include "run/folder.h"

void places_find(struct store_txn *t, unsigned kind, struct reading *g)
{
    struct span value;

    if (!g->known && store_get(t, kind, span_of(g->segment.name), &value) &&
        value.len == sizeof g->at)
        memcpy(&g->at, value.at, sizeof g->at);
    g->known = true;
}

bool places_keep(struct store_txn *t, unsigned kind, const struct reading *g)
{
    return store_put(t, kind, span_of(g->segment.name),
                     (struct span){(const char *)&g->at, sizeof g->at}, 0);
}

/* Names of segments that were removed. */
struct stale {
    const struct round *round;
    char name[64][SPOOL_NAME];
    size_t len[64];
    size_t count;
};

static bool find_stale(void *arg, struct span key, struct span value)
{
    struct stale *s = arg;

    (void)value;
    if (key.len <= sizeof s->name[0] && !round_has(s->round, key)) {
        memcpy(s->name[s->count], key.at, key.len);
        s->len[s->count++] = key.len;
    }
    return s->count < COUNT_OF(s->len);
}

bool places_forget(struct store_txn *t, unsigned kind, const struct round *round, const char *spool,
                   bool *changed)
{
    struct stale s = {.round = round, .count = 0};

    store_walk(t, kind, find_stale, &s);
    /* Else they might be back after the power was cut, and be read a second time. */
    if (s.count == 0 || !folder_sync(spool))
        return true;
    *changed = true;
    for (size_t i = 0; i < s.count; i++) {
        if (!store_drop(t, kind, (struct span){s.name[i], s.len[i]}))
            return false;
    }
    return true;
}
