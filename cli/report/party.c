/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/party.h"

#include <stdlib.h>

enum { BITS = 1 << 25, WORD = 64 };

static const char *const protocols[] = {"", "TLSv1.1", "TLSv1", "SSLv3"};

enum party_protocol party_protocol(struct span name)
{
    if (span_is_nocase(name, "TLSv1.1"))
        return PARTY_TLS_1_1;
    if (span_is_nocase(name, "TLSv1") || span_is_nocase(name, "TLSv1.0"))
        return PARTY_TLS_1_0;
    return span_starts_nocase(name, "SSL") ? PARTY_SSL : PARTY_NEW_TLS;
}

const char *party_protocol_name(enum party_protocol p)
{
    return protocols[p];
}

static void bits_of(const struct roster_head *e, size_t bit[2])
{
    uint64_t h = e->hash * (uint64_t)0x9e3779b97f4a7c15;

    bit[0] = h >> 39;
    bit[1] = (h ^ h >> 31) * 0xe7037ed1a0b428db >> 39;
}

static void drop(void *arg, void *entry)
{
    struct parties *p = arg;
    struct party *e = entry;
    size_t bit[2];

    free(e->called);
    if (!e->spoiled || !p->spoiled)
        return;
    bits_of(&e->head, bit);
    for (size_t i = 0; i < 2; i++)
        p->spoiled[bit[i] / WORD] |= (uint64_t)1 << bit[i] % WORD;
}

void parties_init(struct parties *p)
{
    p->spoiled = NULL;
    roster_init(&p->roster, sizeof(struct party), PARTIES_MOST, drop, p);
}

void parties_clear(struct parties *p)
{
    roster_clear(&p->roster);
    free(p->spoiled);
    p->spoiled = NULL;
}

static bool was_spoiled(const struct parties *p, const struct party *e)
{
    size_t bit[2];

    if (!p->roster.approximate)
        return false;
    bits_of(&e->head, bit);
    for (size_t i = 0; i < 2; i++)
        if (!(p->spoiled[bit[i] / WORD] >> bit[i] % WORD & 1))
            return false;
    return true;
}

struct party *parties_get(struct parties *p, struct span name)
{
    struct party *e;

    /* Before anything is dropped. */
    if (p->roster.count == PARTIES_MOST && !p->spoiled &&
        !(p->spoiled = calloc(BITS / WORD, sizeof *p->spoiled)))
        return NULL;
    e = roster_get(&p->roster, name);
    if (e && !e->known) {
        e->known = true;
        e->spoiled = was_spoiled(p, e);
    }
    return e;
}

void party_count(struct party *p, time_t at, enum party_secrecy secrecy, enum party_protocol how)
{
    bool old = secrecy == PARTY_TLS && how != PARTY_NEW_TLS;

    p->head.count++;
    if (!p->first || at < p->first)
        p->first = at;
    if (at > p->last)
        p->last = at;
    p->clear += secrecy == PARTY_CLEAR;
    p->old += old;
    if (old && how > p->oldest)
        p->oldest = (unsigned char)how;
    if (secrecy != PARTY_TLS || old)
        p->spoiled = true;
    if ((secrecy == PARTY_CLEAR || old) && at > p->weak)
        p->weak = at;
}
