/* SPDX-License-Identifier: Apache-2.0
 *
 * record - one accounting event on its way from a worker to the accountant.
 *
 * In the spool it is one line of JSON: what it is ("do"), its key, and the columns that are
 * not empty. Reading is the door to jansson.
 *
 * An `intent` says what a row will be if nothing more is heard (a `t` row, 4.4.2); the
 * `outcome` with the same key replaces it. A `row` stands alone. A `received` is an `r` row,
 * and is remembered under its queueId for the rows of its deliveries.
 */
#pragma once

#include "base/buf.h"

enum column {
#define COLUMN(name, star) COLUMN_##name,
#include "tell/column.def"
#undef COLUMN
    COLUMN_COUNT,
};

const char *column_name(enum column c);

/* The column of this name, in any case; COLUMN_COUNT: there is none. */
enum column column_find(struct span name);

enum record_do { RECORD_ROW, RECORD_INTENT, RECORD_OUTCOME, RECORD_RECEIVED };

enum { RECORD_MAX = 8192, RECORD_KEY_MAX = 64 };

struct record {
    enum record_do what;
    double at;           /* timeLogged, seconds since 1970 */
    double queued;       /* timeQueued; 0: not known */
    struct span key;     /* session.transaction.recipient */
    struct span id_host; /* the host that gave queueId, "" where unknown; short ids come again */
    struct span column[COLUMN_COUNT]; /* borrowed; timeLogged and timeQueued stay empty */
};

/* One line with its LF, at most RECORD_MAX: long values (dsnDiag first) are cut, control bytes
 * cleaned. False only if `to` has less room than that. */
MUST bool record_write(struct buf *to, const struct record *r);

/* What a line holds; its spans point into `*memory`, which the caller frees with
 * record_forget(). False: not a record (cut off, or forged). */
struct record_memory;
MUST bool record_read(struct span line, struct record *out, struct record_memory **memory);
void record_forget(struct record_memory **memory);
