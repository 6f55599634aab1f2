/* SPDX-License-Identifier: Apache-2.0
 *
 * accountant - the process that turns the spool into the accounting files.
 *
 * It alone opens them and the store. It waits for the spool to change and works in batches:
 * ledger.h.
 */
#pragma once

#include "run/daemon.h"

/* A role's run(). There may be but one at a time: make it exclusive. */
int accountant_run(struct child *child);
