/* SPDX-License-Identifier: Apache-2.0
 *
 * spool - where records wait for the accountant.
 *
 * A folder of segments. Each process that writes has a segment of its own, which it holds
 * locked for as long as it may append; a segment whose lock is free is closed, and nobody
 * appends to it again. Whole lines are appended at once, so a killed process leaves whole lines (a
 * torn last one is left out). How they come into the file is told in tail.h. Room on the disk is
 * reserved before mail is taken, so a full disk shows as long as it can be put off. A segment
 * that has grown to 8 MB is closed and the next one begun; the new one is there before the old
 * one's lock is free.
 *
 * Names are MADE-WRITER-NUMBER.KIND, with .mapped behind it where lines are stored through memory,
 * and sort by their making. Not safe with threads.
 */
#pragma once

#include "base/buf.h"

struct spool;

/* `kind`: "received" or "delivered" ; the accountant reads the former first. NULL with one
 * line in `why`. After fork. */
struct spool *spool_open(const char *folder, const char *kind, char *why, size_t size);
void spool_close(struct spool **s);

/* From now on lines are stored through memory where the disk allows it, see tail.h: not for who
 * has each of them synced. */
void spool_map(struct spool *s);

/* Sets aside room for `bytes` more than is set aside already; given back by spool_release().
 * What is appended uses up what was set aside, so release once all of a reservation's lines
 * are written (or will not be). False: the disk is full (or the file limit is reached):
 * `452 4.3.1`. */
MUST bool spool_reserve(struct spool *s, size_t bytes);
void spool_release(struct spool *s, size_t bytes);

/* Whole lines, at once. False: they could not be written; nothing of them is there. Without
 * room that was set aside before, it may fail for want of room. */
MUST bool spool_append(struct spool *s, struct span lines);

/* `fn` hears of the segment that is written to, now and whenever it is another one, before
 * anything is written to that. Both descriptors are borrowed. NULL: nobody does. */
typedef void spool_segment_fn(void *arg, int segment, int folder);
void spool_watch(struct spool *s, spool_segment_fn *fn, void *arg);

/* Nothing more is written to this segment: the next one is begun when there is something. */
void spool_abandon(struct spool *s);

/* For the accountant: the segments that are there, in the order of their making. */
enum { SPOOL_NAME = 96 };
struct spool_segment {
    char name[SPOOL_NAME];
    char writer[SPOOL_NAME]; /* whose it is: the same in all segments of one spool_open() */
    size_t size;             /* bytes that were written, when it was looked at */
    bool received;           /* else delivered */
    bool closed;             /* nobody appends any more; its size is final */
};

/* How many there are; `*out` is the caller's to free. (size_t)-1: the folder or one of its
 * segments cannot be looked at (errno says why). */
MUST size_t spool_list(const char *folder, struct spool_segment **out);

/* Reads whole lines of `from` from `offset` on into `to` (up to its room, which should be twice
 * RECORD_MAX or more). False: cannot be read. A torn last line stays unread. What is no line
 * of ours, being too long, comes as it is, without an LF at its end. */
MUST bool spool_read(const char *folder, const struct spool_segment *from, size_t offset,
                     struct buf *to);
MUST bool spool_remove(const char *folder, const char *name);
