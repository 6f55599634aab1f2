/* SPDX-License-Identifier: Apache-2.0
 *
 * sts - what a domain's MTA-STS policy demands (RFC 8461), as a fact for decide(). Pure.
 */
#pragma once

#include "base/span.h"

enum sts_mode { STS_NONE, STS_TESTING, STS_ENFORCE };

/* "none", "testing", "enforce". */
const char *sts_mode_word(enum sts_mode mode);

/* What was wrong when the policy was last asked for. */
enum sts_trouble {
    STS_FINE,
    STS_FETCH_ERROR,   /* DNS, connection, HTTP: nobody said */
    STS_INVALID,       /* what came is no policy */
    STS_WEBPKI_INVALID /* the HTTPS server's certificate does not do */
};

/* RFC 8460's result types (4.3.2.2), "" for STS_FINE. */
const char *sts_trouble_word(enum sts_trouble trouble);

/* Does the policy's pattern name this server (RFC 8461, 4.1)? "*.example.com" covers exactly one
 * more label: neither example.com nor a.b.example.com. Without regard to case. */
bool sts_covers(const char *pattern, const char *host);
