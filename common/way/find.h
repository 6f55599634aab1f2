/* SPDX-License-Identifier: Apache-2.0
 *
 * find - asks all that a domain's route needs, and settles it.
 */
#pragma once

#include "rule/domain.h"
#include "way/ask.h"
#include "way/route.h"

typedef void find_fn(void *arg);

/* What comes from `hosts` on is large, and only as much of it is touched as there are of each. */
struct find {
    unsigned open; /* questions without an answer */
    const struct own *own;
    bool heeds_dane;
    struct ask asks_seen;
    const struct domain *rule; /* borrowed */
    bool allow_private, told, heeds_sts;
    bool seen;             /* starttls-memory: the domain has shown TLS */
    bool unknown;          /* what may be demanded is not known: nothing is settled */
    const struct addr *to; /* NULL: whichever server there is */
    enum fail fail;        /* once it is over: why there is no route */
    find_fn *fn;
    void *arg;
    struct hosts hosts;
    struct look {
        struct answer *policy;    /* ours; NULL: there is none, */
        enum sts_trouble trouble; /* or none can be had */
        struct ask ask, sts;
    } look[HOSTS_MAX];
    struct route route;
};

/* Before the first start, so that it can be cleared. */
void find_init(struct find *f);

/* True: it is over already. False: `fn` is called when it is. `to`: the mail server chose that one
 * (NULL: it did not); it must live as long. */
MUST bool find_start(struct find *f, struct line *line, struct span domain,
                     const struct domain *rule, const struct own *own, const struct addr *to,
                     find_fn *fn, void *arg);

/* `fn` is not called any more. */
void find_cancel(struct find *f);

/* Frees what it holds, too. */
void find_clear(struct find *f);

/* The MTA-STS policy that this candidate is under: that of the name that led to it (RFC 8461,
 * 3.4). NULL: there is none. */
const struct answer *find_policy(const struct find *f, const struct candidate *c);

/* Why it has none although one is announced. */
enum sts_trouble find_trouble(const struct find *f, const struct candidate *c);
