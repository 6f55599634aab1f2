/* SPDX-License-Identifier: Apache-2.0
 *
 * commit - replies that wait until their records are on the disk (sync = reply).
 *
 * Group commit: while the syncer waits for the disk, those who ask gather, and the next sync is
 * for all of them. The loop never waits: it sends a few bytes and hears a few.
 *
 * What could not be synced is lost to all that waited, once and for all: nothing is asked a
 * second time, since Linux tells of a failed write but once. The segment is left, and what comes
 * later goes into a new one. So it is when the syncer dies in the middle, for nobody knows what
 * it had heard. Who has waited for so long as `patience` is told no, whatever the disk may do yet.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

struct commit;
struct event_base;
struct spool;

enum { COMMIT_PATIENCE = 30 };

typedef void pledge_fn(void *arg, bool kept);

/* One who waits, inside of the asker's own struct; zeroed where nobody does. */
struct pledge {
    TAILQ_ENTRY(pledge) link;
    struct commit *of; /* NULL: nothing is waited for */
    bool running;      /* its sync was asked for */
    double since;
    pledge_fn *fn;
    void *arg;
};

/* For the master: the socket that workers call the syncer by. -1 with one line in `why`. */
int commit_listen(char *why, size_t size);

/* `listener` is commit_listen()'s, inherited; `spool` outlives it; `patience` is in seconds,
 * COMMIT_PATIENCE but for tests. NULL: no memory. */
struct commit *commit_new(struct event_base *base, int listener, struct spool *spool,
                          double patience);
void commit_free(struct commit **c);

/* `fn` is called once, from the loop: all that was appended to the spool up to now is on the
 * disk, or it is not. May be asked again from there; who still waits then waits anew. `p` is
 * zeroed before the first time. */
void commit_ask(struct commit *c, struct pledge *p, pledge_fn *fn, void *arg);
void commit_cancel(struct pledge *p);
bool pledge_waits(const struct pledge *p);
