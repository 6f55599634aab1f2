/* SPDX-License-Identifier: Apache-2.0
 *
 * finish - when the file of a book gets no more rows: it is renamed, and the next one begins.
 *
 * Called when nothing is placed in it that is not written. The number in its name is kept in the
 * store first, so that a name is not used again even if a reader took the file away at once.
 */
#pragma once

#include "milter/books/book.h"

/* The rename. False: it failed (logged once); the file is written on and this tried again in a
 * minute. */
MUST bool finish_file(struct book *b);

/* So that it is not tried each time. */
bool finish_has_failed(const struct book *b);

/* A file with other columns, whatever the options say: beside. */
MUST bool finish_aside(struct book *b);

/* The file that is open, for a new place: if it is not the one that we know, it begins now. */
void finish_note_begin(const struct book *b, struct place *p);

/* Its interval is over and it has rows. */
void finish_if_due(struct book *b);

/* When a file that was begun then is due, on a clock that shows `mono`. A clock that went back
 * or ahead makes it due at once or an interval from now. */
double finish_due(double begun, double interval, double now, double mono);

/* The file, and its name in its folder, are on the disk. False: errno. */
MUST bool finish_sync(struct book *b);
