/* SPDX-License-Identifier: Apache-2.0
 *
 * layout - the file of the session table: what lies where. Only for table.c and layout.c.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "keep/table.h"

/* The header; for each part its head, its index, its free places; then the records of each
 * part. A place of the index says hash and record in one word, so a reader sees both or
 * neither. It is four times larger than need be, so what belongs together is found within
 * PROBES. Records come into being as they are needed, CHUNK at a time: a sparse file costs
 * nothing until then, and a full file system is a `false` here and not a SIGBUS. */
enum { PROBES = 32, CHUNK = 64 };

struct header {
    char magic[16];
    uint32_t version, record_size, parts, entries;
    uint64_t seed; /* clients must not choose where they come to lie */
    atomic_uint stale;
};

/* The writer's alone, but for the index. */
struct part {
    uint32_t fresh;     /* records that were ever in use */
    uint32_t allocated; /* records that the file system has given room for */
    uint32_t free_count, unused;
    _Atomic uint64_t index[]; /* hash << 32 | record + 1; 0: none */
};

struct content {
    struct table_key key;
    double made;
    struct table_entry entry;
};

enum { WORDS = (sizeof(struct content) + 7) / 8 };

/* A seqlock: odd while it is written. What the index points to is never written: a reader meets
 * an odd one only if it was dropped and taken again since it looked at the index. */
struct record {
    atomic_uint version;
    _Atomic uint64_t words[WORDS];
};

struct table {
    int fd; /* the master's and its children's; -1 for a reader */
    struct header *map;
    /* As they were when the file was looked at: a writer that has gone bad can change the
     * header, and must not lead a reader out of what is mapped. */
    unsigned parts, entries;
    size_t size, small_size, places, part_size, records_size;
};

struct part *part_of(const struct table *t, unsigned part);
uint32_t *free_of(const struct table *t, struct part *p);
size_t record_offset(const struct table *t, unsigned part, uint32_t number);
struct record *record_of(const struct table *t, unsigned part, uint32_t number);
