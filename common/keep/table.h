/* SPDX-License-Identifier: Apache-2.0
 *
 * table - which TLS session stands behind which connection that the MTA sees.
 *
 * One file of shared memory, cut into a part for each worker, which that worker alone
 * writes. Anyone may read, without a lock: an entry that changes while it is read is read
 * again. The master clears the part of a worker that died.
 */
#pragma once

#include <sys/types.h>

#include "base/addr.h"
#include "base/id.h"
#include "rule/facts.h"

struct table;

/* Its file in run-directory. */
#define TABLE_NAME "sessions"

/* Both ends of a connection, as the MTA sees them. */
struct table_key {
    struct addr client, server;
};

/* An entry has as many: ways in which the MTA may see the same connection. */
enum { TABLE_KEYS = 2 };

struct table_entry {
    struct id session;
    struct addr client, listener; /* the client, and where it reached us */
    bool secure;
    struct tls_facts tls; /* all empty unless `secure` */
    char rule[64];        /* title of the source section that applied */
};

/* The master's: makes the file anew for `parts` workers of `entries` keys each, readable
 * by `group` ((gid_t)-1: leave). NULL with one line in `why`. Children inherit it. A file that was
 * there is unlinked, and whoever still reads it is told by table_is_stale(). */
struct table *table_make(const char *path, unsigned parts, unsigned entries, gid_t group, char *why,
                         size_t size);

/* A reader's. NULL with one line in `why`: not there, or not a table of ours. */
struct table *table_open(const char *path, char *why, size_t size);
void table_close(struct table **t);

/* The master has made (or will make) another file: a reader closes this one and opens again. */
bool table_is_stale(const struct table *t);

/* Whose process this is decides which part: only that one may put and drop there. Both keys lead
 * to the entry from here (they may be the same), or neither does and it is false: the part is full,
 * and the MTA then knows no TLS facts of it. Where a key led before, it does no more. */
MUST bool table_put(struct table *t, unsigned part, const struct table_key keys[TABLE_KEYS],
                    const struct table_entry *entry);

/* Only if what it leads to is of that session (NULL: of any): a client's port is used again soon.
 * Parts of others are not looked at: each page of them would count as this worker's memory. */
void table_drop(struct table *t, unsigned part, const struct table_key *key,
                const struct id *session);
void table_clear(struct table *t, unsigned part);

MUST bool table_find(const struct table *t, const struct table_key *key, struct table_entry *out);
