/* SPDX-License-Identifier: Apache-2.0
 *
 * whole - records as the accountant sees them: an outcome with what its intent says.
 */
#pragma once

#include "tell/record.h"

struct whole_line;

struct whole {
    struct whole_line *lines; /* ours; all that were read, zero: none */
};

/* False: no record. `out` borrows of `w` until whole_clear(). */
bool whole_read(struct whole *w, struct span line, struct record *out);
void whole_clear(struct whole *w);
