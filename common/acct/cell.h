/* SPDX-License-Identifier: Apache-2.0
 *
 * cell - one value as an accounting file has it: CSV (RFC 4180) or JSON (RFC 8259).
 *
 * Whatever the value is, it stays one value: control bytes, and bytes that are no UTF-8, become
 * '?' (base/text.h), so what comes out is a line of valid UTF-8 or a part of it. A value has at
 * most RECORD_MAX bytes; the rest is cut.
 */
#pragma once

#include "base/span.h"

/* How much room a value may need; `to` must have it. */
static inline size_t cell_room(struct span value)
{
    return 2 * value.len + 3;
}

/* Quoted where it must be. `guard`: with a ' in front where a spreadsheet would take it for a
 * formula, or what follows a semicolon in it. How many bytes it is comes back. */
size_t cell_csv(char *to, struct span value, bool guard);

/* With its quotes. */
size_t cell_json(char *to, struct span value);
