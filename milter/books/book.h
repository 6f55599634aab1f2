/* SPDX-License-Identifier: Apache-2.0
 *
 * book - one accounting file, the rows that wait for it, and its rotation.
 *
 * Rows wait in the store. What is the next to write is first given a place (which file, by its
 * inode, and where in it), which is kept in the store, then it is written there; a mark outside
 * of the store says that it was. Whoever is killed when, the same bytes are written to the same
 * place: redo, not undo, so a file only grows. A file is finished (renamed) only when nothing is
 * placed in it, so what is finished is never written again.
 *
 * A file that was moved by hand is looked for by its inode, in its folder and in move_to, to see
 * which rows it got; the others go to the new file. One that vanished (deleted, or moved to
 * elsewhere) is known to have got what was marked; only what was written and not yet marked when
 * the accountant was killed, a matter of microseconds, is then written once more. The same holds
 * for one that was cut off (copytruncate).
 */
#pragma once

#include "milter/books/csv.h"
#include "milter/books/entry.h"

/* What the configuration says. Borrowed strings, which must live as long as the book. */
struct journal_file {
    const char *path; /* up to BOOK_PATH bytes */
    mode_t mode;      /* of a new one */
    struct span header;
    const char *move_to;  /* finished files go there; NULL or "": they stay beside */
    double move_interval; /* how old it becomes, in seconds; 0: as old as may be */
    uint64_t max_size;    /* it is finished before it would grow beyond; 0: never */
    double delete_after;  /* without move_to: finished ones go after so long; 0: never */
    bool count;           /* log how many records it has */
    bool sync;            /* to the disk before it counts as written */
};

struct book {
    struct store *store; /* borrowed */
    unsigned kind, slot;
    int marks; /* borrowed: the file of marks; ours stands at slot * 8 */

    char path[BOOK_PATH + 1]; /* "": the slot is free */
    struct journal_file file; /* zero where the configuration knows it no more */
    struct csv csv;
    struct place place, next;   /* as kept, and as it will be kept with the batch */
    uint64_t written;           /* the mark: entries up to this number are in the files */
    uint64_t dropped, dropping; /* entries up to this number are in the store no more */
    uint64_t count, bytes;      /* entries that wait */
    struct entry_sum added;     /* to the batch */
    double due;                 /* when it is finished, on clock_mono(); 0: to be found out */
    double again;               /* finishing failed: not before this, likewise */
    bool stuck;
};

/* In the transaction of a batch: drops what is written. */
MUST bool book_begin(struct book *b, struct store_txn *t);

/* Adds rows in it; the book has them by book_end(). */
MUST bool book_add(struct book *b, struct store_txn *t, uint64_t number, struct span rows);
void book_end(struct book *b, bool kept);

/* Keeps the place in a transaction of its own. False: logged once. */
MUST bool book_keep_place(struct book *b, const struct place *p);

/* Writes what waits and finishes the file if that is due. False: something stands in the way;
 * it was logged once. */
MUST bool book_write(struct book *b);

/* Drops what waits; it is logged. It waits still where the store cannot be written. */
void book_give_up(struct book *b);
