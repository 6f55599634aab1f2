/* SPDX-License-Identifier: Apache-2.0
 *
 * count - rows become a report.
 *
 * Memory is bounded whatever comes: what there can be many of is in rosters, and a domain of
 * which too much was forgotten is never called ready.
 */
#pragma once

#include "cli/report/report.h"
#include "cli/report/wish.h"

/* The columns that a row is made of. */
enum field {
#define FIELD(name, types, what) FIELD_##name,
#include "cli/report/field.def"
#undef FIELD
    FIELD_COUNT,
};
extern const char *const field_names[FIELD_COUNT];

struct count;

/* `wish` is borrowed. NULL: no memory. */
struct count *count_new(const struct wish *wish);
void count_free(struct count **c);

/* From here on rows of these types, as files.h has them, and no others. */
void count_only(struct count *c, unsigned types);

/* A row's values, `at` NULL in those that its file does not have. False: no row, `*why` says why;
 * it is counted as such. */
MUST bool count_row(struct count *c, const struct span cell[FIELD_COUNT], const char **why);

/* A row that could not be read. */
void count_bad(struct count *c);

/* What was counted, as far as a counter knows it: host, files and the first bad place are the
 * caller's to fill in. It and all it points to live as long as `c`, and end what can be counted.
 * What there was no memory for is not in its lists. */
struct report *count_report(struct count *c);
