/* SPDX-License-Identifier: Apache-2.0
 *
 * days - what was counted on each day.
 */
#pragma once

#include "cli/report/report.h"

enum { DAYS_MOST = 36600 }; /* a century: what is beyond is in no day */

struct days {
    struct report_day *at; /* ours; by `number` */
    int64_t *number;       /* ours; days since 1970 */
    size_t count, last;
};

void days_clear(struct days *d);

/* NULL: no memory, or too many of them. */
struct report_day *days_get(struct days *d, int64_t number);

/* Days without mail come in between, as far as that makes no more than DAYS_MOST. */
void days_fill(struct days *d);
