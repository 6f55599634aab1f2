/* SPDX-License-Identifier: Apache-2.0
 *
 * journal - rows reach the files once, whoever is killed when.
 *
 * A batch is first kept in the store, in the same transaction as the positions that it was
 * read up to. Then the files are written, each by itself (book.h): one that cannot be written
 * holds up no other, until JOURNAL_HELD bytes wait; then all wait, in the spool. A small file
 * beside the store says for each which entries were written to their end; it is locked, so
 * there is but one accountant.
 *
 * A file that the configuration names no more gets what is still there for it, if it can be
 * written at once; else that is dropped, and logged.
 */
#pragma once

#include "milter/books/book.h"

struct journal;

enum {
    JOURNAL_FILES = 64,
    JOURNAL_HELD = 1 << 30, /* bytes of rows */
    JOURNAL_PATIENCE = 10,  /* seconds */
};

/* `kind` is the store's table that the journal has for itself. `folder` is the store's. Waits up
 * to JOURNAL_PATIENCE seconds for another accountant to leave. NULL with one line in `why`. */
struct journal *journal_open(const char *folder, struct store *store, unsigned kind, char *why,
                             size_t size);
void journal_close(struct journal **j);

/* Makes a file known, at the start: its slot, or -1: there are too many, it is known already, or
 * its path is longer than BOOK_PATH. */
int journal_file(struct journal *j, const struct journal_file *file);

/* In a transaction: begins a batch. */
MUST bool journal_begin(struct journal *j, struct store_txn *t);

/* Rows for one file; once for each file and batch, whole lines. */
MUST bool journal_add(struct journal *j, struct store_txn *t, int slot, struct span rows);

/* The transaction was kept, or it was not. */
void journal_end(struct journal *j, bool kept);

/* Writes what is not written yet, and turns the page of files that are due. False: too much is
 * held back (it is logged once); begin no batch, and call again in a while. */
MUST bool journal_write(struct journal *j);

/* Do rows wait for a file that cannot be written? */
bool journal_is_behind(const struct journal *j);
