/* SPDX-License-Identifier: Apache-2.0
 *
 * published - what a domain has published about TLS and a session with one of its servers is
 * judged by, in the words of RFC 8460 (4.2): for records. Pure.
 */
#pragma once

#include "way/known.h"

enum { PUBLISHED_TEXT = 1024 };

/* Usable TLSA records come before an MTA-STS policy, as in decide.h.
 *
 *   text     "3 1 1 0FA4..; 2 1 1 .."  the TLSA records
 *            "version: STSv1; mode: enforce; mx: ..; max_age: .."  the policy
 *            "tlsa"  records that are bogus or not usable, or nobody says
 *            "sts"   a policy that cannot be had, and `trouble` says why
 *            "no-policy-found"
 *            "" it is not known. What does not fit is left out from the end, record by record.
 *   domain   TLSA: their base domain (RFC 7672, 2.2.3); else the name that led to the server */
struct published {
    enum sts_trouble trouble; /* why no MTA-STS policy can be had, if one is announced */
    char domain[DNS_NAME];
    char text[PUBLISHED_TEXT];
};

/* `c` is one of the route of `f`, and `k` what was learnt of it; `domain`: the recipients'. */
void published_tell(const struct find *f, const struct known *k, const struct candidate *c,
                    const char *domain, struct published *out);
