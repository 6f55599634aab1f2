/* SPDX-License-Identifier: Apache-2.0
 *
 * record - one accounting event on its way from a worker to the accountant.
 *
 * In the spool it is one line of JSON: what it is ("do"), its key, and the columns that are
 * not empty, and header fields of the message as "header_NAME". Only lines just as they are
 * written are read (flat.h).
 *
 * An `intent` says what a row will be if nothing more is heard (a `t` row, 4.4.2); the
 * `outcome` with the same key says how it ended, and has the other columns from its intent, as far
 * as it has none of its own (merge.h). A `row` stands alone. A `received` is an `r` row,
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

/* What makes a record one of its kind: "SESSION.MESSAGE.RECIPIENT", in `to`. `session` is the text
 * of an id (base/id.h). */
struct span record_key(char to[RECORD_KEY_MAX], const char *session, unsigned message,
                       unsigned recipient);

/* Header fields of the message: how many, and how long a name and a value may be. */
enum { RECORD_HEADERS = 16, RECORD_HEADER_NAME = 64, RECORD_HEADER_VALUE = 512 };

struct record_header {
    struct span name, value; /* borrowed; "X-Job", in any case */
};

/* What it says just as others do: where the number is the same, so are the texts of these columns.
 * Who changes one of them sets the number to 0. */
struct record_alike {
    uint64_t number;  /* 0: nothing is known of that */
    uint64_t columns; /* a bit for each */
    size_t place;     /* the number's, see alike.h */
};

static inline bool record_alike_has(struct record_alike a, enum column column)
{
    return a.columns >> column & 1;
}

struct record {
    enum record_do what;
    double at;           /* timeLogged, seconds since 1970 */
    double queued;       /* timeQueued; 0: not known */
    struct span key;     /* session.transaction.recipient */
    struct span id_host; /* the host that gave queueId, "" where unknown; short ids come again */
    bool disabled;       /* by disable-acct-records: it is in no accounting file */
    struct span column[COLUMN_COUNT]; /* borrowed; timeLogged and timeQueued stay empty */
    struct record_header header[RECORD_HEADERS]; /* those that it has, each name once */
    size_t header_count;
    struct record_alike alike; /* alike_read() sets it */
    struct span written; /* further columns: record_columns() wrote them. They end the line, so that
                            they are known again (alike.h). Reading leaves it empty */
};

/* Can a header field have this name (RFC 5322, 2.2), and a record hold it? Letters, digits and
 * - _ . are all that is taken: no known field has more. */
bool record_is_header(struct span name);

/* The value of this header field, in any case; "" where the record has none. */
struct span record_header(const struct record *r, struct span name);

/* One more, unless it is there already or is none, empty or one too many. */
void record_add_header(struct record *r, struct span name, struct span value);

/* One line with its LF, at most RECORD_MAX: long values (dsnDiag first, then headers) are cut or
 * at last headers left out, control bytes cleaned. False only if `to` has less room than that. */
MUST bool record_write(struct buf *to, const struct record *r);

/* The columns alone, for `written` of records that follow: text that is the same again and again.
 * False: there are more than RECORD_WRITTEN bytes, or no room. */
enum { RECORD_WRITTEN = 2048 };
MUST bool record_columns(struct buf *to, const struct record *r);

/* What a line holds; its spans point into the line and into `*memory`, which the caller frees with
 * record_forget(): texts that had escapes, mostly none. False: not a record (cut off, or
 * forged). Members that are not known are let be if they are texts or numbers. Remembers the order
 * of columns: for processes with one thread. */
struct record_memory;
MUST bool record_read(struct span line, struct record *out, struct record_memory **memory);
void record_forget(struct record_memory **memory);

/* What a line seems to be, and its key, of its first two members; what follows may still make it
 * none. False: record_read() is to be asked. */
MUST bool record_peek(struct span line, enum record_do *what, struct span *key);
