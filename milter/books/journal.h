/* SPDX-License-Identifier: Apache-2.0
 *
 * journal - rows reach the files once, whoever is killed when.
 *
 * A batch is first kept in the store, in the same transaction as the positions that it was
 * read up to: for each file the bytes, which file it is (its inode) and where in it they go.
 * Then the files are written. At the start the last batch is written again, to the same
 * places: redo, not undo, so a file only grows. A small file beside the store says which
 * batch was written to its end; it is locked, so there is but one accountant.
 *
 * A file that vanished or was replaced begins anew, with its header; what of the batch was not
 * written yet goes there. One whose header is another (the columns were changed) is put aside
 * as NAME-YYYY-MM-DD-NNNN.csv. A full disk holds the batch back until there is room.
 */
#pragma once

#include <sys/types.h>

#include "base/span.h"
#include "keep/store.h"

struct journal;

enum { JOURNAL_FILES = 64 };

struct journal_file {
    const char *path; /* up to 4000 bytes */
    mode_t mode;      /* of a new one */
    struct span header;
};

/* `kind` is the store's table that the journal has for itself. `folder` is the store's. Waits up
 * to JOURNAL_PATIENCE seconds for another accountant to leave. NULL with one line in `why`. */
enum { JOURNAL_PATIENCE = 10 };
struct journal *journal_open(const char *folder, struct store *store, unsigned kind, char *why,
                             size_t size);
void journal_close(struct journal **j);

/* In a transaction: forgets the last batch, which must be written, and begins the next. */
MUST bool journal_begin(struct journal *j, struct store_txn *t);

/* Rows for one file; at most JOURNAL_FILES of them in a batch. */
MUST bool journal_add(struct journal *j, struct store_txn *t, const struct journal_file *file,
                      struct span rows);

/* After the transaction was kept: writes what is not written yet. False: something stands in
 * the way (it is logged once); call again in a while. */
MUST bool journal_write(struct journal *j);
