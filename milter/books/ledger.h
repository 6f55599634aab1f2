/* SPDX-License-Identifier: Apache-2.0
 *
 * ledger - from the spool to the accounting files.
 *
 * In rounds. A round notes where the delivery segments end, reads the reception segments to
 * their ends, then the deliveries up to where they were: so a delivery never overtakes its
 * reception. Intents wait until their outcome comes; when the last segment of their writer is
 * closed and read, they become `t` rows, "outcome unknown".
 *
 * A batch is gathered (kept in the store: rows, positions, intents, receptions, all or
 * nothing), then written to the files; a segment is removed when it is closed and all of it
 * was written. Between any two steps the process may die.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "conf/settings.h"

struct ledger;

enum ledger_end {
    LEDGER_IDLE,   /* all that is there now was read before */
    LEDGER_BUSY,   /* a batch was done, of all that was there when it began */
    LEDGER_MORE,   /* a batch was done that was full: there is more */
    LEDGER_BEHIND, /* as idle, but rows wait for a file that cannot be written */
    LEDGER_HOLDS,  /* a delivery waits a moment for its reception */
    LEDGER_STUCK,  /* the store or a file cannot be written, or the spool not be read */
};

/* After fork, as the user that runs it. The settings must live as long. NULL with one line in
 * `why`. */
struct ledger *ledger_open(const struct settings *settings, char *why, size_t size);
void ledger_close(struct ledger **l);

/* Both steps, in turn. */
enum ledger_end ledger_step(struct ledger *l);

/* The steps by themselves, for tests. What was gathered is written before the next is gathered. */
enum ledger_end ledger_gather(struct ledger *l);
MUST bool ledger_write(struct ledger *l);
