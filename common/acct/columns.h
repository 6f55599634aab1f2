/* SPDX-License-Identifier: Apache-2.0
 *
 * columns - which columns an accounting file has, and in which order.
 *
 * Each type of records has its list: `type` first, then as record-fields says. A file of several
 * types has the union, in the order in which they first appear. A column is one of ours, or
 * header_NAME, a header field of the message.
 */
#pragma once

#include "acct/type.h"
#include "base/option.h"
#include "tell/record.h"

/* What a record-fields section says. */
struct account_fields {
    const char *type; /* "d" or "delivery" */
    struct texts fields;
};

/* A column by its number: below COLUMN_COUNT it is an enum column, else a header field. */
enum { COLUMNS_MOST = COLUMN_COUNT + RECORD_HEADERS };

struct column_list {
    unsigned char at[COLUMNS_MOST];
    size_t count;
};

struct columns {
    bool wanted[TYPES];
    struct column_list of[TYPES];
    bool has[TYPES][COLUMNS_MOST];                                      /* is it in that list? */
    struct column_list all;                                             /* the union */
    char header[RECORD_HEADERS][sizeof "header_" + RECORD_HEADER_NAME]; /* whole column names */
    size_t header_count;
};

/* `records` are the types, `fields` their lists; "*" for those without. One text may hold several
 * with commas between, as in PowerMTA's files. False with one line in `why`: a type or a column
 * that is not there, `type` excluded, too many header fields. */
MUST bool columns_read(struct columns *c, struct texts records, const struct account_fields *fields,
                       size_t fields_count, char *why, size_t size);

/* As the header line has it; header fields as they were written first. */
struct span columns_name(const struct columns *c, unsigned number);

/* The name of the header field of a column from COLUMN_COUNT on. */
struct span columns_header(const struct columns *c, unsigned number);
