/* SPDX-License-Identifier: Apache-2.0
 *
 * syncer - the child that waits for the disk, so that nobody else has to.
 *
 * Every sync-interval it syncs what has grown in the spool, and its folder where there are new
 * segments; with a `listener` (commit_listen()) also what workers ask for, each on a thread of
 * its own, for a disk takes several at once. It knows nothing of loops or peers.
 */
#pragma once

#include "run/daemon.h"

/* One where any acct-file wants more than sync = none. */
unsigned syncer_count(const struct settings *s);

/* A role's run(). `listener`: -1 where nobody asks. */
int syncer_run(struct child *child, int listener);
