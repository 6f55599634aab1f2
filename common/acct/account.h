/* SPDX-License-Identifier: Apache-2.0
 *
 * account - a record as a row of the accounting file (CSV).
 *
 * The format is PowerMTA's: RFC 4180 with CRLF, a header line, `type` first. Several types in
 * one file share the union of their columns, in the order in which they first appear; what is
 * not selected for a type stays empty there. Pure: it touches no file.
 *
 * Values are cleaned of control bytes, so no value makes a second row. A spreadsheet takes a
 * cell that begins with = + - or @ for a formula: in columns of free text, where no honest
 * value begins so, such a cell gets a ' in front. Addresses, logins and ids may well begin so
 * and stay exact: import them as text.
 */
#pragma once

#include "base/option.h"
#include "tell/record.h"

struct account;

/* What an acct-file section says. */
struct account_fields {
    const char *type; /* "d" or "delivery" */
    struct texts fields;
};

struct account_conf {
    struct texts records;                /* types to write, in order */
    const struct account_fields *fields; /* of types that are not named here: "*" */
    size_t fields_count;
    const char *user_string;
    bool iso_times; /* else seconds since 1970 */
};

/* "d" of "d" and "delivery", in any case; NULL: no type of ours. */
const char *account_type(struct span name);

/* NULL with one line in `why`: a type or a column that is not there, or type excluded. */
struct account *account_new(const struct account_conf *conf, char *why, size_t size);
void account_free(struct account **a);

/* The header line with its CRLF; good as long as `a`. */
struct span account_header(const struct account *a);

/* One row with its CRLF, or nothing if its type is not wanted. False: no room in `to`, and
 * nothing is added. */
MUST bool account_row(const struct account *a, struct buf *to, const struct record *r);
