/* SPDX-License-Identifier: Apache-2.0
 *
 * round - which segments of the spool are read now, and how far.
 *
 * The order is the point: where the deliveries end is noted before it is looked which
 * receptions there are, so each delivery in this round finds its reception in it or before.
 */
#pragma once

#include "tell/spool.h"

/* A segment in this round. */
struct reading {
    struct spool_segment segment;
    size_t at;  /* read up to here */
    bool known; /* `at` was looked up */
    bool ended; /* nothing more of it in this round */
    bool held;  /* a line of it has to wait: not ended, but the round goes on */
};

struct round {
    struct reading *readings; /* receptions, then deliveries */
    size_t count, now;
    struct spool_segment *present; /* all that there were after the deliveries' ends */
    size_t present_count;
};

/* Both end a round that was on. False: the folder cannot be read. */
MUST bool round_start(struct round *r, const char *folder);
void round_end(struct round *r);

/* Has the process that wrote it gone for good? All its delivery segments were closed when the
 * round began, and are read to their ends. */
bool round_is_gone(const struct round *r, struct span writer);

/* Does somebody deliver here? Who does has a segment from its start on, whatever is in it. */
bool round_has_delivery(const struct round *r);

bool round_has_closed_delivery(const struct round *r);
bool round_holds(const struct round *r);

/* Is there a segment of this name? */
bool round_has(const struct round *r, struct span name);

/* Removes the segments that are closed and read to their ends. */
void round_remove(const struct round *r, const char *folder);
