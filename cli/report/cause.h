/* SPDX-License-Identifier: Apache-2.0
 *
 * cause - why mail was not delivered, and what rules that only record would have refused.
 */
#pragma once

#include <time.h>

#include "cli/report/roster.h"

struct failure {
    struct roster_head head; /* the name is error, status and category, a CAUSE_BETWEEN apart */
    uint64_t bounced, deferred, attempts;
    time_t first, last;
    char *domain, *server, *diagnostic; /* ours: of the first */
};

struct would {
    struct roster_head head; /* the name is '<' (in) or '>' (out), rule and section */
    struct roster who;       /* of roster_head */
};

#define CAUSE_BETWEEN '\x1f'
enum { FAILURES_MOST = 4096, WOULDS_MOST = 512, WHO_MOST = 256 };

/* What a row says. */
struct cause {
    struct span error, status, category, domain, server, diagnostic;
    time_t at;
};

void failures_init(struct roster *r);
/* NULL: no memory. The caller counts bounced, deferred or attempts. */
struct failure *failures_add(struct roster *r, const struct cause *c);

void woulds_init(struct roster *r);
void woulds_add(struct roster *r, bool in, struct span rule, struct span section, struct span who);

/* The option that an outgoing row tells of, from dlvTlsPolicy and dlvTlsError. */
const char *would_rule(struct span policy, struct span error);
