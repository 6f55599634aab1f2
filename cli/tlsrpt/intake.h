/* SPDX-License-Identifier: Apache-2.0
 *
 * intake - the sessions of a day, out of accounting files.
 */
#pragma once

#include "cli/tlsrpt/course.h"
#include "cli/tlsrpt/spread.h"

/* False with one line in `why`: something could not be read, and was left out. */
MUST bool intake(struct spread *to, const struct course_plan *p, char *why, size_t size);
