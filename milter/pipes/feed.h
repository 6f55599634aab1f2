/* SPDX-License-Identifier: Apache-2.0
 *
 * feed - from the backlog into the program, and how far it surely came.
 *
 * A program that reads its input again has worked off what it read the time before: so the place
 * that is kept is where it had read to when it read last. After a death it goes on from there:
 * what it had read and what the pipe held comes again, at most two pipe-fulls (128 KB) of whole
 * rows, and nothing is left out. A program that ends with status 0 after the end of its input
 * has done all.
 *
 * Each start, and each segment with another header, begins with the header (CSV).
 */
#pragma once

#include "base/buf.h"
#include "milter/pipes/backlog.h"
#include "milter/pipes/reader.h"

struct feed {
    struct backlog backlog;
    int kept;             /* ours: where `safe` is kept */
    int segment;          /* ours: that of `at`, -1: none */
    struct mark at;       /* up to here it was taken into `pending` */
    struct mark seen;     /* up to here the program had read when we looked */
    struct mark safe;     /* and when it had read before */
    uint64_t floor;       /* of the segment of `at`: what this program is given begins here */
    uint64_t sent, taken; /* bytes in the program's life: into the pipe, and read by it */
    bool torn;            /* the pipe ends within a row */
    struct buf pending;
    struct buf header; /* that the program got */
};

/* False: logged. */
MUST bool feed_open(struct feed *f, const char *state, const char *title, bool json, uint64_t most);

/* Before all else, until it says yes. False: another feeder, whose master was killed, has this
 * backlog still. Each would remove segments that the other has a place in, and a new one may get
 * the inode of such. */
MUST bool feed_hold(struct feed *f);
void feed_close(struct feed *f);

/* Is there anything for a program? Then it begins where the last one came to. */
bool feed_begin(struct feed *f);

enum feed_end {
    FEED_ALL,    /* that there is was sent */
    FEED_FULL,   /* the pipe is */
    FEED_ANEW,   /* other columns come: end the program and begin again */
    FEED_BROKEN, /* it does not read any more */
};

/* `last`: nothing but the rest of a row that was begun. */
enum feed_end feed_send(struct feed *f, const struct reader *r, bool last);

/* Notes how far it read. True: further than before. */
bool feed_look(struct feed *f, const struct reader *r);

/* Does it owe us to read something? */
bool feed_waits(const struct feed *f);

/* It ended, with all that was sent done (or not). */
void feed_end(struct feed *f, bool done);

/* Drops the oldest rows if too many wait; `running`: not those that the program is given. */
void feed_shrink(struct feed *f, bool running);
