/* SPDX-License-Identifier: Apache-2.0
 *
 * tlsa - what DNS, under DNSSEC, says that a server's certificate must match (RFC 6698, 7671,
 * 7672): a fact for decide(), and then the check in TLS.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/span.h"

enum { TLSA_MOST = 16, TLSA_DATA = 2048 };

struct tlsa {
    uint8_t usage, selector, matching; /* 2 or 3; 0 or 1; 0, 1 or 2 */
    uint16_t len;
    uint8_t data[TLSA_DATA];
};

/* One record as DNS has it (RFC 6698, 2.1). False: not one that can be used for SMTP: another usage
 * than 2 or 3 (RFC 7672, 3.1.3), an unknown selector or matching type, no data or not as many as
 * a digest has, or more than TLSA_DATA. */
MUST bool tlsa_read(struct span content, struct tlsa *out);

/* Of the digests of one usage and selector only the strongest count (RFC 7671, 9). How many records
 * are left, in their order. */
size_t tlsa_choose(struct tlsa *at, size_t count);

enum tlsa_state {
    TLSA_NONE,     /* not published, or not under DNSSEC: there is no DANE */
    TLSA_USABLE,   /* the certificate must match one of them */
    TLSA_UNUSABLE, /* published, and none that can be used: TLS without a look at the certificate
                      (RFC 7672, 2.2) */
    TLSA_FAILED,   /* bogus, or nobody says: not to be delivered to (RFC 7672, 2.1.1) */
};

/* What a server's certificate proves against its usable records. Of DANE-EE (usage 3) neither name
 * nor dates count (RFC 7672, 3.1.1). */
enum dane_state {
    DANE_MATCHED,
    DANE_UNMATCHED,  /* it matches none of them, or there is none */
    DANE_OTHER_NAME, /* usage 2: the chain matches, and the certificate is for someone else */
    DANE_EXPIRED,    /* usage 2: or it has expired */
    DANE_UNUSABLE, /* not one of the records is what it says to be (a broken certificate of matching
                      type 0): as TLSA_UNUSABLE */
};
