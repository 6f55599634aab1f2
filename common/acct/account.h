/* SPDX-License-Identifier: Apache-2.0
 *
 * account - a record as a row of the accounting file.
 *
 * As CSV it is PowerMTA's: RFC 4180 with CRLF, a header line, `type` first. Several types in one
 * file share the union of their columns, in the order in which they first appear; what is not
 * selected for a type stays empty there. As JSON a row is one object on a line of its own, with
 * the columns of its type in their order: all of them, "" where there is nothing, and all values
 * are texts, as readers of the CSV have them. Pure: it touches no file.
 *
 * Values are cleaned (cell.h), so no value makes a second row. A spreadsheet takes a cell that
 * begins with = + - or @ for a formula: with `guard` such a cell gets a ' in front, whatever
 * column it is in. Without, values stay exact: import them as text.
 */
#pragma once

#include "acct/columns.h"

struct account;

/* What an acct-file section says. Only `queue_filter` must live as long as the account. */
struct account_conf {
    struct texts records;                /* types to write, in order */
    const struct account_fields *fields; /* of types that are not named here: "*" */
    size_t fields_count;
    struct texts mappings;     /* mapping.h; the first whose header a message has wins */
    struct texts queue_filter; /* queue.h */
    struct texts privacy;      /* pseudonym.h; none: retain */
    const char *user_string;
    bool iso_times; /* else seconds since 1970 */
    bool json;      /* else CSV */
    bool guard;     /* CSV only */
};

/* "d" of "d" and "delivery", in any case; NULL: no type of ours. */
const char *account_type(struct span name);

/* NULL with one line in `why`: columns_read(), or a mapping that is none. */
struct account *account_new(const struct account_conf *conf, char *why, size_t size);
void account_free(struct account **a);

/* The header line with its CRLF, "" of JSON; good as long as `a`. */
struct span account_header(const struct account *a);

/* One row with its line end, or nothing if it does not belong here: its type is not wanted, its
 * queue is kept out, or it is of a domain with disable-acct-records. False: there may not be room
 * in `to`, and nothing is added. */
MUST bool account_row(struct account *a, struct buf *to, const struct record *r);
