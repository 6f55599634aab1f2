/* SPDX-License-Identifier: Apache-2.0
 *
 * reader - cuts the text of a configuration file into statements. Pure.
 *
 *   NAME = VALUE    NAME = {VALUE, VALUE}    NAME TITLE {    }    include FILE
 *   NAME = VALUE, NAME = VALUE
 *   domain-macro NAME VALUE, VALUE    domain-macro NAME {VALUE, VALUE}    mx-rollup-list {    }
 *   mx HOST NAME WORD    bounce-category-patterns {    }    /REGEX/ WORD
 *
 * Words are taken as people write them: only space, { } , = " ' and # are more than letters.
 * So "domain * {" and "[::1]:25" need no quotes. What libconfuse would silently take for
 * something else (a # inside a word, a missing }, text behind a value) is an error here.
 * Comments are # and // to the end of the line, and those in C's way; among patterns only # and
 * C's, since // is the pattern that all texts have.
 */
#pragma once

#include "base/span.h"

enum statement_kind {
    STATEMENT_END,
    STATEMENT_VALUE,
    STATEMENT_OPEN,
    STATEMENT_CLOSE,
    STATEMENT_INCLUDE,
    STATEMENT_LINE,  /* a section on one line: title and values */
    STATEMENT_ERROR, /* reader_error(); go on with reader_skip(), if at all */
};

/* Texts live as long as the reader, `values` until the next statement. */
struct statement {
    enum statement_kind kind;
    unsigned line;
    const char *name;  /* in small letters; "" for END and CLOSE */
    const char *title; /* of OPEN and LINE; the file of INCLUDE */
    const char **values;
    size_t value_count;
    bool list; /* written in { } */
};

struct reader;

/* `text` must live as long. NULL: no memory. */
struct reader *reader_new(struct span text);
void reader_free(struct reader **r);

/* True while there is one; END is one. */
void reader_next(struct reader *r, struct statement *out);

/* "NAME: what is wrong; remedy", and the line that it is about. Values are never shown in it:
 * they may be passwords. */
const char *reader_error(const struct reader *r, unsigned *line);

/* Goes on behind the outermost section that is open; outside of sections, on the next line.
 * False: after such an error nothing that follows would be what it seems. */
MUST bool reader_skip(struct reader *r);
