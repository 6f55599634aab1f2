/* SPDX-License-Identifier: Apache-2.0
 *
 * rows - the rows of an accounting file, with the columns that are wanted, by name.
 *
 * Files of ours and of PowerMTA: CSV with a header line, in any order of columns, or a JSON object
 * a line. Columns that nobody wants cost next to nothing. A header in the middle counts from
 * there (files joined by cat). A row that cannot be one is left out and said: it costs its line
 * and not what is behind it. A last line without an end is still being written: it is ignored.
 *
 * Memory is the same for files of any size. What is lent is good until the next call.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"
#include "csv/feed.h"

struct rows;

enum { ROWS_WANTED = 64, ROWS_LONGEST = 1 << 20 };

/* `wanted` must live as long; the first of them is the column by which a header is known: the
 * one that says the record's type. NULL: no memory. */
struct rows *rows_new(const char *const *wanted, size_t count);
void rows_free(struct rows **r);

/* From here on rows come from `feed`, which stays the caller's; nothing is kept of the last. */
void rows_begin(struct rows *r, struct feed *feed);

enum rows_got {
    ROWS_END, /* of the feed: feed_why() says whether all is well */
    ROWS_ROW,
    ROWS_BAD, /* rows_line() and rows_why() */
};

/* The next row's values; `at` is NULL in those of columns that this file does not have. */
enum rows_got rows_next(struct rows *r, struct span *cells);

/* Line of the file where the last row began, from 1. */
uint64_t rows_line(const struct rows *r);
const char *rows_why(const struct rows *r);

/* After ROWS_END: was there a last line without an end? */
bool rows_is_torn(const struct rows *r);
