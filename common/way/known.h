/* SPDX-License-Identifier: Apache-2.0
 *
 * known - what DNS and the domain's policy say of the candidate whose turn it is, for decide(): its
 * TLSA records, and the MTA-STS policy that it is under.
 *
 * TLSA records are asked for where they can count: under DNSSEC, of a name, and where the rule
 * heeds them. The addresses of one server are one question.
 */
#pragma once

#include "net/dane.h"
#include "net/watch.h"
#include "way/find.h"

struct known {
    struct ask ask;
    struct answer *tlsa; /* ours; NULL: none was asked for, or none came */
    char name[DNS_NAME]; /* whose records that are, */
    uint16_t port;       /* at which port; 0: nobody's */
    bool failed;         /* nobody said */
    watch_fn *fn;
    void *arg;
};

/* Does the rule, and what is known of it, make a candidate's TLSA records count? `validates`: there
 * is a trust anchor. */
bool known_counts(const struct domain *rule, const struct candidate *c, bool validates);

/* True: all that there is to know is known. False: `fn` is called when it is. */
MUST bool known_learn(struct known *k, struct line *line, const struct domain *rule, bool validates,
                      const struct candidate *c, watch_fn *fn, void *arg);

/* It takes too long: there may be records, and nobody says which. */
void known_give_up(struct known *k);
void known_clear(struct known *k);

/* All but `broken`, which is for its caller to know. */
void known_tell(const struct known *k, const struct find *f, const struct candidate *c,
                struct candidate_facts *out);

/* What must be matched, with PART_DANE; it lives until the next candidate's turn. */
struct dane known_dane(const struct known *k, const struct candidate *c);
