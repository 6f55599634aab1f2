/* SPDX-License-Identifier: Apache-2.0
 *
 * trust - does what DNS says ever validate? Without that there is no DANE, and nobody would see.
 *
 * Without trust-anchor-file, or where the anchor's own name does not come back secure (the resolver
 * in between may take the signatures out), it says so in one log line at the start, and then at
 * most every hour how many lookups should have been validated. Asked again every minute, until
 * it works. Of no interest where no domain rule heeds DANE.
 */
#pragma once

#include "conf/settings.h"
#include "net/watch.h"
#include "way/answer.h"

enum { TRUST_SAY_AFTER = 3600, TRUST_ASK_AFTER = 60 };

struct resolve;

struct trust {
    enum { TRUST_UNWANTED, TRUST_ASKED, TRUST_PROVEN, TRUST_MISSING, TRUST_BROKEN } is;
    struct resolve *resolve; /* borrowed */
    struct alarm again;
    char name[DNS_NAME]; /* the anchor's */
    unsigned long missed;
    double said; /* when */
};

void trust_begin(struct trust *t, struct event_base *base, struct resolve *r,
                 const struct settings *s);

/* Before the resolver ends. */
void trust_end(struct trust *t);

/* Of every answer that goes out. */
void trust_note(struct trust *t, const struct answer *a);
