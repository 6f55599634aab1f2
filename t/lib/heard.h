/* SPDX-License-Identifier: Apache-2.0
 *
 * heard - what is logged, for tests that look at it.
 */
#pragma once

/* From here on lines are caught and not shown. 0, for a test's setup. */
int heard_begin(void);
void heard_end(void);

/* The lines since the last call; good until the next. */
const char *heard_lines(void);
