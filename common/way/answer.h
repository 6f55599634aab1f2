/* SPDX-License-Identifier: Apache-2.0
 *
 * answer - what workers ask the facts process, and what it answers.
 *
 * Both sides are children of one master, so a message is the struct itself: a question whole,
 * an answer up to the last host that it holds (answer_size()). answer_is_whole() is asked
 * before one is used.
 */
#pragma once

#include "dns/dns.h"

enum { ANSWER_HOSTS = 64 };

enum question_kind {
    QUESTION_MAIL, /* who takes mail for this domain: MX, or the domain itself */
    QUESTION_HOST, /* the addresses of this host */
};

struct question {
    uint32_t number; /* comes back with the answer */
    uint32_t kind;
    char name[DNS_NAME]; /* A-labels */
};

enum answer_status {
    ANSWER_OK,
    ANSWER_NO_DOMAIN, /* the name does not exist */
    ANSWER_NULL_MX,   /* RFC 7505 */
    ANSWER_NO_ADDRESS,
    ANSWER_FAILED, /* the name servers did not say */
};

/* One address of one host; hosts are in the order in which they should be tried. */
struct answer_host {
    char name[DNS_NAME];
    uint32_t preference;
    struct addr at;
};

struct answer {
    uint32_t number;
    uint32_t status;
    uint32_t count;
    struct answer_host host[ANSWER_HOSTS];
};

static inline size_t answer_size(const struct answer *a)
{
    return offsetof(struct answer, host) + a->count * sizeof a->host[0];
}

static inline bool answer_is_whole(const struct answer *a, size_t len)
{
    if (len < offsetof(struct answer, host) || a->count > ANSWER_HOSTS || len != answer_size(a))
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (!memchr(a->host[i].name, '\0', DNS_NAME))
            return false;
    return true;
}
