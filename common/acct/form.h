/* SPDX-License-Identifier: Apache-2.0
 *
 * form - a row of CSV of which most is written already.
 *
 * Records that say much alike (record_alike) share it: cells that are the same in all of their rows
 * stand there as they are in the file; the others are blanks.
 */
#pragma once

#include <stdint.h>

#include "acct/columns.h"

/* What needs more room than this has no form. */
enum { FORM_TEXT = 1000 };

struct form {
    uint64_t number; /* record_alike's; 0: nothing is here */
    int type;        /* of the records */
    bool guard;      /* as cell_csv() has it */
    bool full;       /* there was no room: it cannot be used */
    size_t len, cells, blanks;
    struct {
        unsigned short at; /* the text goes on here behind it */
        unsigned char column;
    } blank[COLUMNS_MOST];
    char text[FORM_TEXT];
};

/* Empties it for records with this number of record_alike, which is not 0. */
void form_start(struct form *f, uint64_t number, int type, bool guard);

/* The next cell: with this value in all rows, or a blank for that of this column, at most
 * COLUMNS_MOST of them. Where there is no room for it `full` is set. */
void form_cell(struct form *f, struct span value);
void form_blank(struct form *f, unsigned column);

/* The row with these values, one for each blank, in their order; not of a form that is full. `to`
 * has cell_room() for each of them, and room for the text and a line end. How many bytes it is. */
size_t form_row(const struct form *f, char *to, const struct span *values);
