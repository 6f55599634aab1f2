/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/intake.h"

#include <errno.h>
#include <stdio.h>

#include "csv/rows.h"

struct intake {
    struct spread *to;
    const struct course_plan *plan;
    struct rows *rows;
    uint64_t bad;
    char *why; /* of the last */
    size_t size;
};

static void note(struct intake *i, const char *path, const char *why)
{
    snprintf(i->why, i->size, "%s:%lu: %s", path, (unsigned long)rows_line(i->rows), why);
    i->bad++;
}

/* False: the disk is full. */
static bool take_row(struct intake *i, const struct span *cell, const char *path)
{
    struct session s;
    const char *why;

    if (!session_read(cell, i->plan->begin, &s, &why)) {
        if (why)
            note(i, path, why);
        return true;
    }
    if (i->plan->domain && !span_is_nocase(s.domain, i->plan->domain))
        return true;
    if (spread_add(i->to, &s))
        return true;
    note(i, path, strerror(errno));
    return false;
}

static void read_file(struct intake *i, const char *path)
{
    struct span cell[SESSION_FIELDS];
    struct feed *feed = feed_open(path, i->why, i->size);
    enum rows_got got;

    if (!feed) {
        i->bad++;
        return;
    }
    rows_begin(i->rows, feed);
    while ((got = rows_next(i->rows, cell)) != ROWS_END) {
        if (got == ROWS_BAD)
            note(i, path, rows_why(i->rows));
        else if (!take_row(i, cell, path))
            break;
    }
    if (*feed_why(feed) && !feed_is_cut(feed))
        note(i, path, feed_why(feed));
    feed_free(&feed);
}

bool intake(struct spread *to, const struct course_plan *p, char *why, size_t size)
{
    struct intake i = {.to = to, .plan = p, .why = why, .size = size};

    i.rows = rows_new(session_fields, SESSION_FIELDS);
    snprintf(why, size, "no memory");
    if (!i.rows)
        return false;
    for (size_t at = 0; at < p->files.count; at++)
        read_file(&i, p->files.at[at].path);
    rows_free(&i.rows);
    return i.bad == 0;
}
