/* SPDX-License-Identifier: Apache-2.0
 *
 * backlog - the rows that wait for a program.
 *
 * A folder for each program, named after it and its arguments. In it the accountant keeps an
 * accounting file of its own, by the journal, so each row is there once: the live segment, which
 * is finished and renamed when it is full or its columns change. The feeder reads the segments,
 * the live one last, and removes those that are finished and read. A segment is known by its
 * inode, since its name changes; a CSV segment begins with its header.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

/* They lie in this folder of the accountant's; a program's own is made where it is missing. */
#define BACKLOG_FOLDER "accounting/pipes"

enum { BACKLOG_PATH = 4000 };

struct backlog {
    char folder[BACKLOG_PATH - 64];
    const char *live; /* the name of the live segment */
    uint64_t most;    /* bytes that may wait */
};

/* `title` as in the configuration, with its |. False, with errno: no such folder can be made. */
MUST bool backlog_open(const char *state, const char *title, bool json, uint64_t most,
                       struct backlog *b);

/* How big a segment becomes. */
uint64_t backlog_part(const struct backlog *b);

struct segment {
    char name[64];
    uint64_t inode, size;
    bool live;
};

/* The segments in their order. How many; `*out` is the caller's to free. */
size_t backlog_list(const struct backlog *b, struct segment **out);

int backlog_read(const struct backlog *b, const struct segment *s); /* -1: it cannot be opened */
void backlog_remove(const struct backlog *b, const struct segment *s);

/* How far the program came: kept beside the segments. */
struct mark {
    uint64_t inode, offset;
};

/* One that was read is removed in three steps, lest it comes again as a whole after a death in
 * between: it gets the name that the list does not have; the mark goes on, to the disk; it is
 * removed. settle: after a death it is one again if the mark is in it, and else removed. */
void backlog_leave(const struct backlog *b, struct segment *s);
void backlog_settle(const struct backlog *b, const struct mark *m);

/* The descriptor, or -1 with errno. */
int mark_open(const struct backlog *b);

/* What was kept; {0, 0} if there is nothing. */
struct mark mark_read(int fd);
void mark_keep(int fd, const struct mark *m);

/* Rows of a segment behind `offset`; its header is none of them. */
uint64_t backlog_rows(const struct backlog *b, const struct segment *s, uint64_t offset);

/* Removes the folders of programs that `titles` does not have; logs the rows they had. */
void backlog_clear_others(const char *state, const char *const *titles, size_t count);
