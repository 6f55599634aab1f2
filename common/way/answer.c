/* SPDX-License-Identifier: Apache-2.0 */
#include "way/answer.h"

/* What comes before the list, the size of one of the list, and how many there may be. */
struct shape {
    size_t head, one, most;
};

static bool shape_of(const struct answer *a, struct shape *s)
{
    switch ((enum question_kind)a->kind) {
    case QUESTION_MAIL:
    case QUESTION_HOST:
        *s = (struct shape){offsetof(struct answer, host), sizeof a->host[0], ANSWER_HOSTS};
        return true;
    case QUESTION_TLSA:
        *s = (struct shape){offsetof(struct answer, tlsa.at), sizeof a->tlsa.at[0], TLSA_MOST};
        return true;
    case QUESTION_STS:
        *s = (struct shape){offsetof(struct answer, sts.mx), sizeof a->sts.mx[0], ANSWER_STS_MX};
        return true;
    case QUESTION_SEEN:
    case QUESTION_GONE:
        *s = (struct shape){offsetof(struct answer, host), 1, 0};
        return true;
    case QUESTION_SENT:
        *s = (struct shape){offsetof(struct answer, sent.entry), 1, ANSWER_SENT};
        return true;
    }
    return false;
}

void answer_failed(struct answer *a, const struct question *q)
{
    *a = (struct answer){.number = q->number, .kind = q->kind, .status = ANSWER_FAILED};
    if (q->kind == QUESTION_TLSA)
        a->tlsa.state = TLSA_FAILED;
}

size_t answer_size(const struct answer *a)
{
    struct shape s;

    return shape_of(a, &s) ? s.head + a->count * s.one : 0;
}

static bool is_text(const char *at, size_t size)
{
    return memchr(at, '\0', size) != NULL;
}

static bool is_tlsa(const struct answer *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (a->tlsa.at[i].len > TLSA_DATA)
            return false;
    return is_text(a->tlsa.base, DNS_NAME);
}

static bool is_sts(const struct answer *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (!is_text(a->sts.mx[i], DNS_NAME))
            return false;
    return a->sts.mode <= STS_ENFORCE && a->sts.trouble <= STS_WEBPKI_INVALID &&
           is_text(a->sts.id, ANSWER_STS_ID);
}

static bool are_hosts(const struct answer *a)
{
    for (size_t i = 0; i < a->count; i++)
        if (!is_text(a->host[i].name, DNS_NAME))
            return false;
    return true;
}

bool answer_is_whole(const struct answer *a, size_t len)
{
    struct shape s;

    if (len < offsetof(struct answer, host) || !shape_of(a, &s) || a->count > s.most ||
        len != s.head + a->count * s.one)
        return false;
    if (a->kind == QUESTION_SENT)
        return a->sent.key_len <= a->count;
    if (a->kind == QUESTION_TLSA)
        return is_tlsa(a);
    return a->kind == QUESTION_STS ? is_sts(a) : are_hosts(a);
}
