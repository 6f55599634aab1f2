/* SPDX-License-Identifier: Apache-2.0
 *
 * census - sessions become what is reported of each domain: which policies, how many were good, how
 * the others failed.
 *
 * A connection counts once for a domain, however many messages it carried. First all sessions are
 * shown to census_mark(), so that those which carried reports are known, then to census_add().
 */
#pragma once

#include "cli/tlsrpt/session.h"

/* How sessions under one policy failed, and how many did. Texts are ours. */
struct failure {
    struct failure *next;
    const char *result, *from, *mx, *to, *reason; /* "" where nothing is known */
    uint64_t count;
};

enum {
    FAILURES_MOST = 500, /* of one policy; more are counted without addresses and names */
    POLICIES_MOST = 100, /* of one domain; more are counted without text and name */
};

struct policy {
    struct policy *next;
    const char *type, *text, *domain; /* text: items with "; " between */
    uint64_t good, failed;
    struct failure *failures; /* in the order in which they came */
    size_t failure_count;
};

struct domain_count {
    const char *name;
    struct policy *policies;
    size_t policy_count;
};

struct census;

struct census *census_new(void); /* NULL: no memory */
void census_free(struct census **c);

/* False: no memory. */
MUST bool census_mark(struct census *c, const struct session *s);
MUST bool census_add(struct census *c, const struct session *s);

/* In the order of their names. */
typedef void census_fn(void *arg, const struct domain_count *d);
void census_each(const struct census *c, census_fn *fn, void *arg);
