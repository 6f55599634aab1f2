/* SPDX-License-Identifier: Apache-2.0
 *
 * counted - what count.c counts and sum.c makes a report of; of no account to others.
 */
#pragma once

#include "cli/report/cause.h"
#include "cli/report/count.h"
#include "cli/report/days.h"
#include "cli/report/party.h"

struct side {
    struct report_way way;
    struct roster protocols, ciphers, groups, verify, policies, results;
};

/* What a report points to. */
struct kept {
    struct kept *next;
    max_align_t bytes[];
};

struct count {
    const struct wish *wish; /* borrowed */
    struct side in, out;
    struct days days;
    struct parties domains, clients;
    struct roster failures, woulds;
    uint64_t rows, counted, outside, types, bad, bounced, deferred, attempts;
    time_t first, last;
    unsigned types_wanted;
    bool has[FIELD_COUNT]; /* columns */
    bool some[128];        /* types of rows, 'q' of tq */
    char stamp[32];        /* the last time that was read, and what it was */
    size_t stamp_len;
    time_t at;
    struct kept *kept; /* ours */
    struct report report;
};
