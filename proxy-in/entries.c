/* SPDX-License-Identifier: Apache-2.0 */
#include "entries.h"

#include <stdlib.h>

/* Sessions that have left, and give way at once to one that comes. */
enum { EARLY_MOST = 4 };

void entries_init(struct entries *e, struct table *table, unsigned part)
{
    *e = (struct entries){.table = table, .part = part};
    TAILQ_INIT(&e->leaving);
}

/* A client's port may be used again within the grace: what another session put there since
 * is not ours to drop. */
static void take_back(struct entries *e, struct entry *entry)
{
    for (size_t i = 0; i < COUNT_OF(entry->keys); i++)
        table_drop(e->table, e->part, &entry->keys[i], &entry->session);
    free(entry);
}

static void take_back_leaving(struct entries *e, struct entry *entry)
{
    TAILQ_REMOVE(&e->leaving, entry, link);
    take_back(e, entry);
}

void entries_clear(struct entries *e)
{
    for (struct entry *at; (at = TAILQ_FIRST(&e->leaving));)
        take_back_leaving(e, at);
}

/* Where the table is full, who has left gives up its grace for who comes. */
static bool put(struct entries *e, const struct entry *entry, const struct table_entry *what)
{
    for (unsigned tries = 0; !table_put(e->table, e->part, entry->keys, what); tries++) {
        if (tries == EARLY_MOST || !TAILQ_FIRST(&e->leaving))
            return false;
        take_back_leaving(e, TAILQ_FIRST(&e->leaving));
    }
    return true;
}

/* An old entry must not go later and take a new one under the same key along. */
static void take_back_old(struct entries *e, const struct id *session)
{
    struct entry *next;

    for (struct entry *at = TAILQ_FIRST(&e->leaving); at; at = next) {
        next = TAILQ_NEXT(at, link);
        if (strcmp(at->session.text, session->text) == 0)
            take_back_leaving(e, at);
    }
}

struct entry *entries_put(struct entries *e, const struct table_key keys[2],
                          const struct table_entry *what, bool again)
{
    struct entry *entry = e->table ? calloc(1, sizeof *entry) : NULL;

    if (!entry)
        return NULL;
    if (again)
        take_back_old(e, &what->session);
    entry->session = what->session;
    memcpy(entry->keys, keys, sizeof entry->keys);
    if (put(e, entry, what))
        return entry;
    take_back(e, entry);
    return NULL;
}

void entries_leave(struct entries *e, struct entry **entry, double now)
{
    if (!*entry)
        return;
    (*entry)->until = now + ENTRIES_GRACE;
    TAILQ_INSERT_TAIL(&e->leaving, *entry, link);
    *entry = NULL;
}

void entries_sweep(struct entries *e, double now)
{
    for (struct entry *at; (at = TAILQ_FIRST(&e->leaving)) && at->until <= now;)
        take_back_leaving(e, at);
}
