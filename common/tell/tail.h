/* SPDX-License-Identifier: Apache-2.0
 *
 * tail - the file of a segment of the spool, as its writer has it.
 *
 * Only ever grows, and only by what is put at its end; room on the disk is promised before it is
 * needed. Where it `maps`, lines are stored through memory instead of by a system call for each:
 * the file then ends with zeroes until it is closed, and who reads it takes the first zero for
 * its end, as long as it is being written. What a killed process has stored is in the file. That
 * is for disks which write in place (ext4, XFS, tmpfs): on others each write() may want new room,
 * and what was promised would not help.
 *
 * A store makes no sound, so now and then a line is written by a system call, of which inotify
 * hears: one at least every TAIL_UNTOLD seconds in which there are any. Who was told and finds
 * no more looks once again after so long.
 */
#pragma once

#include "base/span.h"

/* Seconds. */
#define TAIL_UNTOLD 0.010

struct tail {
    int fd;       /* ours; -1: none */
    size_t end;   /* of what is written */
    size_t held;  /* the disk has promised room up to here */
    bool maps;    /* stored through memory; the owner sets it, if tail_may_map() */
    char *window; /* ours: what of the file is mapped, from `base` on; NULL: nothing */
    size_t base;  /* in the file */
    size_t laid;  /* the file reaches up to here, with zeroes behind `end` */
    double told;  /* when a line was written of which others hear */
};

/* An empty file, which it takes; -1: none. */
void tail_init(struct tail *s, int fd);

/* Is it safe to map what is in this folder? If so faults in a mapping are caught from here on, for
 * the process. Not where each line is synced: with it goes all of the page around it, up to 256
 * KB. */
MUST bool tail_may_map(int folder);

/* Has the disk room for all up to `need`? It keeps it then. */
MUST bool tail_hold(struct tail *s, size_t need);

/* At its end; room was held. False: the disk broke its promise, and there may be a part of it. */
MUST bool tail_put(struct tail *s, struct span lines);

/* Gives back the room behind its end, and closes. May be called twice. */
void tail_clear(struct tail *s);

/* For readers: where the zeroes begin that end a file of `size` bytes. */
size_t tail_end(int fd, size_t size);
