/* SPDX-License-Identifier: Apache-2.0
 *
 * entries - this worker's entries in the session table.
 *
 * One is put before the mail server's milter can ask for the connection, and taken back a grace
 * after that ended, since it may ask late.
 */
#pragma once

#include <sys/queue.h>

#include "keep/table.h"

enum { ENTRIES_GRACE = 5 }; /* seconds */

struct entry {
    TAILQ_ENTRY(entry) link;
    double until;
    struct table_key keys[TABLE_KEYS]; /* as the mail server may see the connection */
    struct id session;
};

struct entries {
    struct table *table; /* borrowed; NULL: there is none */
    unsigned part;
    TAILQ_HEAD(entry_list, entry) leaving;
};

void entries_init(struct entries *e, struct table *table, unsigned part);
void entries_clear(struct entries *e);

/* `again`: the session was here before, as after STARTTLS; then all that have left are looked
 * through for it. NULL: there is no memory, or the table is full, and the milter will know
 * nothing of it. */
struct entry *entries_put(struct entries *e, const struct table_key keys[TABLE_KEYS],
                          const struct table_entry *what, bool again);

/* The connection is over. */
void entries_leave(struct entries *e, struct entry **entry, double now);

/* Drops those whose grace is over. */
void entries_sweep(struct entries *e, double now);
