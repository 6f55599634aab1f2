/* SPDX-License-Identifier: Apache-2.0
 *
 * sts_record - the TXT record at _mta-sts.DOMAIN: "v=STSv1; id=20260801T00;" (RFC 8461, 3.1).
 * Pure.
 */
#pragma once

#include "base/span.h"

enum { STS_ID = 33, STS_DOMAIN = 246 }; /* each with its NUL */

struct sts_record {
    unsigned count; /* texts that begin as one should */
    char id[STS_ID];
};

/* One of the texts that are there. Those that do not begin with "v=STSv1" are none. */
void sts_record_add(struct sts_record *r, struct span text);

/* Once all are in: exactly one, and a good one. Else the domain has no policy to be fetched. */
bool sts_record_is(const struct sts_record *r);

/* The domain in lower case, if it is one that can have such a record: a host name that is short
 * enough for _mta-sts before it. */
MUST bool sts_record_domain(const char *domain, char to[STS_DOMAIN]);
