/* SPDX-License-Identifier: Apache-2.0
 *
 * entry - rows that wait in the store for their file, and what is known of the file.
 *
 * Books (see book.h) have a slot each. Entries have ascending numbers, over all books.
 */
#pragma once

#include <stdint.h>

#include "keep/store.h"

enum { BOOK_PATH = 4000 };

/* Where the rows of an entry go, and what the file is. Kept in the store: no pointers. */
struct place {
    uint64_t number;                  /* of the entry */
    uint64_t from, until;             /* which of its bytes; what is before is written */
    uint64_t offset;                  /* where in the file, with the lead */
    uint64_t device, inode;           /* which file; 0: not placed yet */
    uint32_t lead;                    /* LEAD_... */
    uint32_t mode;                    /* of a new file */
    uint64_t live_device, live_inode; /* the file of which we know when it was begun: */
    double begun;                     /* seconds since 1970 */
    int64_t day;                      /* the numbers of finished files are of this day */
    uint64_t next;                    /* the next such number */
};

/* What stands before the first row. */
enum { LEAD_NOTHING, LEAD_HEADER, LEAD_LINE_END };

struct entry {
    uint64_t number;
    struct span header, rows; /* the store's */
};

MUST bool entry_put(struct store_txn *t, unsigned kind, unsigned slot, const struct entry *e);

/* The first of a book from this number on. */
bool entry_first(struct store_txn *t, unsigned kind, unsigned slot, uint64_t number,
                 struct entry *out);

/* How many there are from this number on, the bytes of their rows, and the last's number. */
struct entry_sum {
    uint64_t count, bytes, last;
};
struct entry_sum entry_sum(struct store_txn *t, unsigned kind, unsigned slot, uint64_t number);

/* Those up to this number. */
MUST bool entry_drop(struct store_txn *t, unsigned kind, unsigned slot, uint64_t number);

MUST bool place_put(struct store_txn *t, unsigned kind, unsigned slot, const struct place *place,
                    const char *path);
bool place_get(struct store_txn *t, unsigned kind, unsigned slot, struct place *out,
               char path[BOOK_PATH + 1]);
