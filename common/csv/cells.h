/* SPDX-License-Identifier: Apache-2.0
 *
 * cells - where the fields of one row of CSV are (RFC 4180). Pure.
 *
 * A row ends with LF, and a CR before it is not the field's. Between quotes commas and ends of
 * lines are a field's own. A quote is one wherever it stands: what is wrong about quotes is for
 * who looks at a field (cells_strict) or misses some.
 */
#pragma once

#include <stdint.h>

#include "base/match.h"
#include "base/span.h"

enum { CELLS_MAX = 512, CELLS_SLACK = MATCH_BYTES };

struct cells {
    uint32_t count;          /* fields, also where there are more than CELLS_MAX */
    uint32_t lines;          /* ends of lines inside of quotes */
    uint32_t end[CELLS_MAX]; /* where each ends: its comma, the last one's CR or LF */
    uint32_t length;         /* of the row with its LF */
};

/* Of the row that begins at `at`. CELLS_SLACK bytes behind `len` may be read, whatever is there.
 * False: it does not end here. `len` is below 4 GB. */
MUST bool cells_split(const char *at, size_t len, struct cells *out);

/* A field as it is in the row, quotes and all. */
static inline struct span cells_raw(const char *row, const struct cells *c, size_t i)
{
    uint32_t from = i ? c->end[i - 1] + 1 : 0;

    return (struct span){row + from, c->end[i] - from};
}

/* A field's value; in `row`, which changes where quotes were doubled: once for each field. */
struct span cells_value(char *row, const struct cells *c, size_t i);

/* Is each quote where RFC 4180 has them? */
bool cells_strict(const char *row, const struct cells *c);
