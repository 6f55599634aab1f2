/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/sts.h"

const char *sts_mode_word(enum sts_mode mode)
{
    static const char *const words[] = {
        [STS_NONE] = "none", [STS_TESTING] = "testing", [STS_ENFORCE] = "enforce"};

    return words[mode];
}

const char *sts_trouble_word(enum sts_trouble trouble)
{
    static const char *const words[] = {[STS_FINE] = "",
                                        [STS_FETCH_ERROR] = "sts-policy-fetch-error",
                                        [STS_INVALID] = "sts-policy-invalid",
                                        [STS_WEBPKI_INVALID] = "sts-webpki-invalid"};

    return words[trouble];
}

bool sts_covers(const char *pattern, const char *host)
{
    const char *rest;

    if (pattern[0] != '*')
        return strcasecmp(pattern, host) == 0;
    rest = strchr(host, '.');
    return pattern[1] == '.' && rest && rest > host && strcasecmp(pattern + 1, rest) == 0;
}
