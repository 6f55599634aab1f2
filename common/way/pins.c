/* SPDX-License-Identifier: Apache-2.0 */
#include "way/pins.h"

#include <stdio.h>
#include <stdlib.h>

enum { READ_MOST = 64 };

struct pins {
    struct resolve *resolve; /* borrowed */
    struct question q;
    lookup_fn *fn;
    void *arg;
    char
        end[DNS_NAME]; /* where the aliases of its addresses lead; its own name if there are none */
    unsigned open;     /* questions about addresses; one more while we ask */
    unsigned heard;    /* answers to them */
    bool insecure, bogus;
    bool at_end; /* it is asked about there, not at its own name */
    struct answer answer;
};

static void note_life(struct pins *p, struct span message)
{
    unsigned long life = dns_life(message);

    if (life < p->answer.lasts)
        p->answer.lasts = (uint32_t)life;
}

static void finish(struct pins *p, enum tlsa_state state)
{
    p->answer.tlsa.state = state;
    if (state == TLSA_FAILED)
        p->answer.lasts = 0;
    p->fn(p->arg, &p->answer);
    free(p);
}

static void on_tlsa(void *arg, enum resolved how, bool secure, struct span message);

static void ask_tlsa(struct pins *p, bool at_end)
{
    char owner[DNS_NAME + 16];
    char *base = p->answer.tlsa.base;
    int len;

    p->at_end = at_end;
    memcpy(base, at_end ? p->end : p->q.name, DNS_NAME);
    len = snprintf(owner, sizeof owner, "_%u._tcp.%s", (unsigned)p->q.port, base);
    if (len < DNS_NAME - 2)
        resolve_ask(p->resolve, owner, DNS_TLSA, on_tlsa, p);
    else
        finish(p, TLSA_NONE); /* no such name can be */
}

/* False: there is no record at all. */
static bool read_records(struct pins *p, struct span message, bool *well)
{
    struct dns_record found[READ_MOST];
    struct answer *a = &p->answer;
    size_t count = 0;

    *well = dns_read(message, DNS_TLSA, found, READ_MOST, &count);
    if (!*well)
        return false;
    for (size_t i = 0; i < count && a->count < TLSA_MOST; i++)
        if (tlsa_read(found[i].content, &a->tlsa.at[a->count]))
            a->count++;
    a->count = (uint32_t)tlsa_choose(a->tlsa.at, a->count);
    return count > 0;
}

static bool has_two_names(const struct pins *p)
{
    return strcmp(p->end, p->q.name) != 0;
}

static void on_tlsa(void *arg, enum resolved how, bool secure, struct span message)
{
    struct pins *p = arg;
    bool well = how == RESOLVED_ABSENT || how == RESOLVED_NAMED;

    note_life(p, message);
    /* What is not secure counts as nothing (RFC 7672, 2.1.1). */
    if (how == RESOLVED_NAMED && secure && read_records(p, message, &well))
        finish(p, p->answer.count > 0 ? TLSA_USABLE : TLSA_UNUSABLE);
    else if (!well)
        finish(p, TLSA_FAILED);
    else if (p->at_end && has_two_names(p))
        ask_tlsa(p, false);
    else
        finish(p, TLSA_NONE);
}

/* The alias itself, without what it leads to. */
static void on_alias(void *arg, enum resolved how, bool secure, struct span message)
{
    struct pins *p = arg;

    note_life(p, message);
    if (how == RESOLVED_BOGUS || how == RESOLVED_UNKNOWN)
        finish(p, TLSA_FAILED);
    else if (secure)
        ask_tlsa(p, false);
    else
        finish(p, TLSA_NONE);
}

static void on_addresses(struct pins *p)
{
    if (p->bogus || p->heard == 0)
        finish(p, TLSA_FAILED);
    else if (!p->insecure)
        ask_tlsa(p, strcmp(p->end, DNS_NO_HOST) != 0);
    else if (has_two_names(p))
        resolve_ask(p->resolve, p->q.name, DNS_CNAME, on_alias, p);
    else
        finish(p, TLSA_NONE);
}

static void one_less(struct pins *p)
{
    if (--p->open == 0)
        on_addresses(p);
}

/* One that does not come is no harm where the other does: both stand in the same zone. */
static void on_address(void *arg, enum resolved how, bool secure, struct span message)
{
    struct pins *p = arg;
    char end[DNS_NAME];

    note_life(p, message);
    if (how == RESOLVED_BOGUS)
        p->bogus = true;
    if (how == RESOLVED_ABSENT || (how == RESOLVED_NAMED && dns_read_end(message, end))) {
        p->heard++;
        p->insecure = p->insecure || !secure;
        if (how == RESOLVED_NAMED)
            memcpy(p->end, end, sizeof p->end);
    }
    one_less(p);
}

/* In lower case, as names come out of messages. */
static void take_name(struct pins *p)
{
    p->q.name[DNS_NAME - 1] = '\0';
    for (char *c = p->q.name; *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c);
    memcpy(p->end, p->q.name, sizeof p->end);
}

void pins_start(struct resolve *r, const struct question *q, lookup_fn *fn, void *arg)
{
    struct pins *p = calloc(1, sizeof *p);

    if (!p) {
        struct answer none;

        answer_failed(&none, q);
        fn(arg, &none);
        return;
    }
    p->resolve = r;
    p->q = *q;
    p->fn = fn;
    p->arg = arg;
    p->answer.number = q->number;
    p->answer.kind = q->kind;
    p->answer.lasts = UINT32_MAX;
    take_name(p);
    /* Who forgot the port must not read "there are none" out of it. */
    if (q->port == 0 || q->port > UINT16_MAX) {
        finish(p, TLSA_FAILED);
        return;
    }
    p->open = 3;
    resolve_ask(r, p->q.name, DNS_A, on_address, p);
    resolve_ask(r, p->q.name, DNS_AAAA, on_address, p);
    one_less(p);
}
