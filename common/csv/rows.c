/* SPDX-License-Identifier: Apache-2.0 */
#include "csv/rows.h"

#include <stdio.h>
#include <stdlib.h>

#include "csv/cells.h"
#include "csv/object.h"

enum { NOWHERE = CELLS_MAX, TYPE_LEN = 3 };

struct rows {
    const char *const *wanted; /* borrowed */
    size_t count;
    struct feed *feed;           /* borrowed */
    char *block;                 /* ours: ROWS_LONGEST and slack */
    size_t from, to;             /* what is not read yet */
    bool ended, torn, alien;     /* alien: it has no header, and that was said */
    uint32_t columns;            /* of the header; 0: there was none yet */
    uint16_t place[ROWS_WANTED]; /* among them; NOWHERE */
    uint64_t line, next_line;
    struct cells cells;
    char why[120];
};

struct rows *rows_new(const char *const *wanted, size_t count)
{
    struct rows *r = calloc(1, sizeof *r);

    if (!r || !(r->block = calloc(1, ROWS_LONGEST + CELLS_SLACK))) {
        free(r);
        return NULL;
    }
    r->wanted = wanted;
    r->count = count;
    return r;
}

void rows_free(struct rows **r)
{
    if (*r)
        free((*r)->block);
    free(*r);
    *r = NULL;
}

static bool fill(struct rows *r)
{
    size_t left = r->to - r->from;
    long n;

    if (r->ended || left == ROWS_LONGEST)
        return false;
    memmove(r->block, r->block + r->from, left);
    n = feed_read(r->feed, r->block + left, ROWS_LONGEST - left);
    r->from = 0;
    r->to = left + (n < 0 ? 0 : (size_t)n);
    r->ended = n <= 0;
    return true;
}

void rows_begin(struct rows *r, struct feed *feed)
{
    r->feed = feed;
    r->from = r->to = 0;
    r->ended = r->torn = r->alien = false;
    r->columns = 0;
    r->line = 0;
    r->next_line = 1;
    (void)fill(r);
    if (r->to >= 3 && memcmp(r->block, "\xef\xbb\xbf", 3) == 0)
        r->from = 3;
}

/* The line at the front, without its LF. False: its end is not here. */
static bool whole_line(const struct rows *r, size_t *len)
{
    const char *lf = memchr(r->block + r->from, '\n', r->to - r->from);

    if (lf)
        *len = (size_t)(lf - (r->block + r->from));
    return lf != NULL;
}

static void step(struct rows *r, size_t bytes, uint64_t lines)
{
    r->from += bytes;
    r->next_line += lines;
}

/* A line longer than anything that could be one: on to its end. */
static void skip_long(struct rows *r)
{
    size_t len;

    do {
        r->from = r->to;
        if (!fill(r) || r->to == 0) {
            r->torn = true;
            return;
        }
    } while (!whole_line(r, &len));
    step(r, len + 1, 1);
}

/* What is at the front is no row: the line goes. */
static enum rows_got leave_out(struct rows *r)
{
    size_t len;

    if (whole_line(r, &len))
        step(r, len + 1, 1);
    else
        skip_long(r);
    return ROWS_BAD;
}

static bool is_name(struct span cell, const char *name)
{
    return span_is_nocase(span_trim(cell), name);
}

static bool take_header(struct rows *r, char *row)
{
    const struct cells *c = &r->cells;
    bool known = false;

    if (c->count > CELLS_MAX)
        return false;
    for (size_t w = 0; w < r->count; w++)
        r->place[w] = NOWHERE;
    for (size_t i = 0; i < c->count; i++) {
        struct span name = cells_value(row, c, i);

        for (size_t w = 0; w < r->count; w++)
            if (is_name(name, r->wanted[w]))
                r->place[w] = (uint16_t)i;
    }
    known = r->place[0] != NOWHERE;
    r->columns = known ? c->count : 0;
    return known;
}

/* Is there a field that is the name of the first column? Only a header has that. In the place of
 * that column others have a word of a letter or two. */
static bool is_header(const struct rows *r, const char *row)
{
    const struct cells *c = &r->cells;

    if (r->columns == c->count && cells_raw(row, c, r->place[0]).len <= TYPE_LEN)
        return false;
    for (size_t i = 0; i < c->count && i < CELLS_MAX; i++)
        if (is_name(cells_raw(row, c, i), r->wanted[0]))
            return true;
    return false;
}

static bool is_right(struct rows *r, const char *row)
{
    if (r->cells.count != r->columns)
        snprintf(r->why, sizeof r->why, "it has %u fields, the header has %u", r->cells.count,
                 r->columns);
    else if (r->cells.lines && !cells_strict(row, &r->cells))
        snprintf(r->why, sizeof r->why, "its quotes are not closed");
    else
        return true;
    return false;
}

static void take_cells(const struct rows *r, char *row, struct span *cells)
{
    for (size_t w = 0; w < r->count; w++)
        cells[w] = r->place[w] == NOWHERE ? (struct span){NULL, 0}
                                          : cells_value(row, &r->cells, r->place[w]);
}

/* A row was split. False: it was a header, or empty. */
static bool take_row(struct rows *r, struct span *cells, enum rows_got *got)
{
    char *row = r->block + r->from;

    if (r->cells.count == 1 && r->cells.end[0] == 0) {
        step(r, r->cells.length, 1);
        return false;
    }
    if (!r->columns || is_header(r, row)) {
        if (take_header(r, row)) {
            step(r, r->cells.length, 1 + r->cells.lines);
            return false;
        }
        snprintf(r->why, sizeof r->why, "no header line: no column is called '%s'", r->wanted[0]);
        r->alien = true;
        r->from = r->to;
        *got = ROWS_BAD;
        return true;
    }
    *got = ROWS_ROW;
    if (!is_right(r, row)) {
        *got = leave_out(r);
        return true;
    }
    take_cells(r, row, cells);
    step(r, r->cells.length, 1 + r->cells.lines);
    return true;
}

/* No row ends in what is here, and there will be no more room for it, or no more. */
static enum rows_got take_rest(struct rows *r)
{
    size_t len;

    if (r->from == r->to)
        return ROWS_END;
    if (whole_line(r, &len)) {
        snprintf(r->why, sizeof r->why, "its quotes are not closed");
        return leave_out(r);
    }
    if (r->ended) {
        r->torn = true;
        r->from = r->to;
        return ROWS_END;
    }
    snprintf(r->why, sizeof r->why, "it is longer than %d bytes", ROWS_LONGEST);
    return leave_out(r);
}

/* A line of JSON. False: an end is not in sight. */
static bool take_object(struct rows *r, struct span *cells, enum rows_got *got)
{
    char *line = r->block + r->from;
    size_t len;

    if (!whole_line(r, &len))
        return false;
    *got = ROWS_ROW;
    if (!object_read(line, len, r->wanted, r->count, cells)) {
        snprintf(r->why, sizeof r->why, "it is no JSON object");
        *got = ROWS_BAD;
    } else if (!cells[0].at) {
        snprintf(r->why, sizeof r->why, "it has no member '%s'", r->wanted[0]);
        *got = ROWS_BAD;
    }
    step(r, len + 1, 1);
    return true;
}

/* Behind a header a first field may begin with a brace, and no quote follows that: a field with
 * quotes begins with one. */
static bool is_object(const struct rows *r)
{
    const char *at = r->block + r->from;
    size_t len = r->to - r->from;

    return len > 0 && *at == '{' && (!r->columns || (len > 1 && at[1] == '"'));
}

enum rows_got rows_next(struct rows *r, struct span *cells)
{
    enum rows_got got;

    if (r->alien)
        return ROWS_END;
    for (;;) {
        r->line = r->next_line;
        if (is_object(r)) {
            if (take_object(r, cells, &got))
                return got;
        } else if (cells_split(r->block + r->from, r->to - r->from, &r->cells)) {
            if (take_row(r, cells, &got))
                return got;
            continue;
        }
        if (!fill(r))
            return take_rest(r);
    }
}

uint64_t rows_line(const struct rows *r)
{
    return r->line;
}

const char *rows_why(const struct rows *r)
{
    return r->why;
}

bool rows_is_torn(const struct rows *r)
{
    return r->torn;
}
