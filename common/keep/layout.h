/* SPDX-License-Identifier: Apache-2.0
 *
 * layout - the file of the session table: what lies where. Only for table.c and layout.c.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "keep/table.h"

/* The header; for each part its head and its index; then the blocks of each part. A place of the
 * index says hash and first block in one word, so a reader sees both or neither. It is four times
 * larger than need be, so what belongs together is found within PROBES. Blocks come into being as
 * they are needed, CHUNK at a time: a sparse file costs nothing until then, and a full file system
 * is a `false` here and not a SIGBUS.
 *
 * An entry is a chain of blocks: most have one, since its texts are kept without the room that they
 * do not fill. Both keys lead to the same one, which is free when neither does any more. */
enum { PROBES = 32, CHUNK = 64, BLOCK = 320 };

struct header {
    char magic[16];
    uint32_t version, entry_size, parts, entries;
    uint64_t seed; /* clients must not choose where they come to lie */
    atomic_uint stale;
};

/* The writer's alone, but for the index. */
struct part {
    uint32_t fresh;           /* blocks that were ever in use */
    uint32_t allocated;       /* blocks that the file system has given room for */
    uint32_t free;            /* a chain of them that are in use no more: the first + 1; 0: none */
    uint32_t used;            /* places of the index */
    _Atomic uint64_t index[]; /* hash << 32 | block + 1; 0: none */
};

/* What an entry comes to, then its rule's title with its NUL, then facts_pack(). */
struct fixed {
    struct table_key keys[TABLE_KEYS];
    double made;
    struct id session;
    struct addr client, listener;
    uint16_t len; /* of what follows */
    bool secure;
};

enum {
    BLOCK_WORDS = (BLOCK - 2 * sizeof(uint32_t)) / 8,
    BLOCK_BYTES = BLOCK_WORDS * 8,
    CONTENT_MOST = sizeof(struct fixed) + sizeof(((struct table_entry *)0)->rule) + FACTS_PACKED,
    BLOCKS_MOST = (CONTENT_MOST + BLOCK_BYTES - 1) / BLOCK_BYTES, /* of an entry */
};

_Static_assert(sizeof(struct fixed) <= BLOCK_BYTES, "its first block says where it ends");

/* A seqlock: odd while it is written. What the index leads to is never written: a reader meets
 * an odd one only if it was dropped and taken again since it looked at the index. */
struct block {
    atomic_uint version;
    atomic_uint next; /* of its entry, or of those that are free: its number + 1; 0: none */
    _Atomic uint64_t words[BLOCK_WORDS];
};

_Static_assert(sizeof(struct block) == BLOCK, "no room is lost");

struct table {
    int fd; /* the master's and its children's; -1 for a reader */
    struct header *map;
    /* As they were when the file was looked at: a writer that has gone bad can change the
     * header, and must not lead a reader out of what is mapped. */
    unsigned parts, entries;
    size_t size, small_size, places, part_size, blocks, blocks_size;
};

struct part *part_of(const struct table *t, unsigned part);
size_t block_offset(const struct table *t, unsigned part, uint32_t number);
struct block *block_of(const struct table *t, unsigned part, uint32_t number);
