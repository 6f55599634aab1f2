/* SPDX-License-Identifier: Apache-2.0
 *
 * crlf - how far text is in order: no NUL, and CR and LF only together.
 *
 * What looks through whole messages is built on it: no byte is looked at alone.
 */
#pragma once

#include "base/span.h"

/* How many bytes at the front are in order, up to the first that is not; and not a CR at the end
 * whose LF is not there. `before`: the byte before them, '\n' where a line begins. `stop`: a
 * character that is not in order either where it begins a line; '\0' for none. */
size_t crlf_run(const char *bytes, size_t len, char before, char stop);
