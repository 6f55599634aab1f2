/* SPDX-License-Identifier: Apache-2.0
 *
 * sts_policy - the text of an MTA-STS policy (RFC 8461, 3.2). Pure.
 *
 *     version: STSv1
 *     mode: enforce
 *     mx: mail.example.com
 *     mx: *.example.net
 *     max_age: 604800
 */
#pragma once

#include <stdint.h>

#include "base/span.h"
#include "rule/sts.h"

enum {
    STS_POLICY_MX = 64,           /* patterns; a policy with more will not do */
    STS_POLICY_NAME = 256,        /* of a pattern, with its NUL */
    STS_POLICY_TEXT = 64 << 10,   /* bytes of the text (3.3) */
    STS_POLICY_MAX_AGE = 31557600 /* seconds, about a year */
};

struct sts_policy {
    enum sts_mode mode;
    uint32_t max_age;
    size_t count;
    char mx[STS_POLICY_MX][STS_POLICY_NAME]; /* in lower case */
};

/* Fields may come in any order; of one that comes again only the first counts, but for mx. Fields
 * that we do not know mean nothing. False: it is no policy. */
MUST bool sts_policy_read(struct span text, struct sts_policy *out);

/* The same policy as a text, with a NUL; the length comes back, 0: it does not fit. */
size_t sts_policy_write(const struct sts_policy *p, char *to, size_t size);
