/* SPDX-License-Identifier: Apache-2.0
 *
 * party - domains that we send to, clients that send to us: each with what it shows of TLS.
 */
#pragma once

#include <time.h>

#include "cli/report/roster.h"

struct party {
    struct roster_head head; /* count: messages */
    char *called;            /* ours; a client's name, or NULL */
    uint64_t clear, old;
    uint64_t undemanded;      /* messages for which nothing demanded TLS */
    time_t first, last, weak; /* weak: the last in the clear or in old TLS */
    unsigned char oldest;     /* enum party_protocol */
    bool known;               /* it was here before */
    bool spoiled;             /* something was not as require-starttls would have it */
};

enum party_protocol { PARTY_NEW_TLS, PARTY_TLS_1_1, PARTY_TLS_1_0, PARTY_SSL };

/* PARTY_NEW_TLS: 1.2 or newer, or not known. */
enum party_protocol party_protocol(struct span name);
const char *party_protocol_name(enum party_protocol p);

/* What was spoiled stays so, also of those that were dropped: a set of bits, in which a few too
 * many may be. */
struct parties {
    struct roster roster;
    uint64_t *spoiled; /* ours; NULL: none was dropped yet */
};

enum { PARTIES_MOST = 65536 };

void parties_init(struct parties *p);
void parties_clear(struct parties *p);

/* NULL: no memory. */
struct party *parties_get(struct parties *p, struct span name);

enum party_secrecy { PARTY_UNKNOWN, PARTY_CLEAR, PARTY_TLS };
void party_count(struct party *p, time_t at, enum party_secrecy secrecy, enum party_protocol how);
