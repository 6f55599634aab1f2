/* SPDX-License-Identifier: Apache-2.0
 *
 * feeder - the process of one acct-file "|PROGRAM": starts it, feeds it, starts it again.
 *
 * It is started when there are rows, and again `retry-interval` after it ended. One that reads
 * nothing of what waits for it for `write-timeout` is ended: SIGTERM, a while later SIGKILL.
 * Meanwhile rows wait in the backlog, up to max-size: beyond that the oldest are dropped, and
 * logged. When it should stop it feeds for a second more; the program has a while to end by itself
 * after the end of its input. A while is 5 s, or write-timeout where that is shorter.
 */
#pragma once

#include "run/daemon.h"

/* How many there are. */
unsigned feeder_count(const struct settings *s);

/* A role's run(); exclusive. */
int feeder_run(struct child *child);
