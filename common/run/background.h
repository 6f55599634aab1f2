/* SPDX-License-Identifier: Apache-2.0
 *
 * background - leaves the terminal once everything serves.
 *
 * The process that was started waits for the one that goes on: it exits 0 when that one
 * serves, and else with its status.
 */
#pragma once

#include "base/span.h"

/* `file` as it is found from anywhere, so that the background need not stay in this folder; static.
 * NULL: the current folder has no name, see errno. */
const char *background_path(const char *file);

/* Returns in the process that goes on, with a descriptor for background_done(); -1: it
 * cannot be done. The other one exits here. */
MUST int background_start(void);

/* It serves: the one that waits may go. stderr stays as it is, for the log. Does nothing
 * where none waits (-1), so it may be called each time that something serves. */
void background_done(int *herald);
