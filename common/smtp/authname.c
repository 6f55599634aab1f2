/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/authname.h"

#include "base/base64.h"
#include "base/text.h"

/* Longer responses are tokens of a kind that is not read here. */
enum { RESPONSE_MAX = 4096 };

/* All of it, as LOGIN and EXTERNAL (RFC 4422, A.1) have it. */
static struct span find_all(struct span s)
{
    return s;
}

/* "act as NUL log in as NUL secret" (RFC 4616, 2): whose mail it is comes first. */
static struct span find_plain(struct span s)
{
    struct span as = span_cut(&s, '\0'), in = span_cut(&s, '\0');

    return as.len > 0 ? as : in;
}

/* "name digest" (RFC 2195). */
static struct span find_cram(struct span s)
{
    const char *space = s.len ? memrchr(s.at, ' ', s.len) : NULL;

    return space ? (struct span){s.at, (size_t)(space - s.at)} : SPAN("");
}

/* Behind `key`, up to a comma, the quote at its end or ^A. */
static struct span find_value(struct span s, const char *key)
{
    size_t len = strlen(key);

    for (size_t i = 0; i + len <= s.len; i++) {
        if ((i > 0 && !memchr(", \1", s.at[i - 1], 3)) || memcmp(s.at + i, key, len) != 0)
            continue;
        s = span_after(s, i + len);
        for (i = 0; i < s.len && !memchr(",\"\1", s.at[i], 3); i++)
            ;
        return (struct span){s.at, i};
    }
    return SPAN("");
}

/* "n,a=act as,n=log in as,r=..." (RFC 5802, 7). */
static struct span find_scram(struct span s)
{
    struct span as = find_value(s, "a=");

    return as.len > 0 ? as : find_value(s, "n=");
}

/* RFC 2831, 2.1.2 */
static struct span find_digest(struct span s)
{
    return find_value(s, "username=\"");
}

/* RFC 7628, 3.1; and what went before it. */
static struct span find_bearer(struct span s)
{
    struct span as = find_value(s, "a=");

    return as.len > 0 ? as : find_value(s, "user=");
}

static const struct {
    const char *start; /* of the mechanism's name */
    struct span (*find)(struct span response);
} mechanisms[] = {
    {"", NULL},
    {"PLAIN", find_plain},
    {"LOGIN", find_all},
    {"EXTERNAL", find_all},
    {"CRAM-MD5", find_cram},
    {"DIGEST-MD5", find_digest},
    {"SCRAM-", find_scram},
    {"XOAUTH2", find_bearer},
    {"OAUTHBEARER", find_bearer},
};

unsigned authname_find(struct span mechanism)
{
    for (unsigned i = 1; i < COUNT_OF(mechanisms); i++) {
        const char *start = mechanisms[i].start;
        size_t len = strlen(start);

        if (span_starts_nocase(mechanism, start) && (mechanism.len == len || start[len - 1] == '-'))
            return i;
    }
    return 0;
}

size_t authname_read(char to[AUTHNAME_SIZE], unsigned mechanism, struct span response)
{
    char bytes[RESPONSE_MAX];
    size_t len = 0;

    to[0] = '\0';
    if (mechanism == 0 || mechanism >= COUNT_OF(mechanisms) || response.len > sizeof bytes)
        return 0;
    len = base64_read(bytes, response);
    if (len != (size_t)-1)
        len = text_clean(to, AUTHNAME_SIZE, mechanisms[mechanism].find((struct span){bytes, len}));
    else
        len = 0;
    explicit_bzero(bytes, sizeof bytes);
    return len;
}
