/* SPDX-License-Identifier: Apache-2.0 */
#include "way/route.h"

#include "base/text.h"

enum fail route_hosts(struct span domain, const char *smtp_hosts, uint16_t port, struct hosts *out)
{
    struct host *one = &out->at[0];
    const char *why;

    /* Checked when the configuration was read. */
    if (smtp_hosts[0] && hosts_read(span_of(smtp_hosts), port, out, &why))
        return FAIL_NOT;
    out->count = 1;
    *one = (struct host){.at.port = port};
    if (domain.len > 0 && domain.at[0] == '[') {
        one->kind = HOST_ADDRESS;
        if (!literal_read(domain, &one->at))
            return FAIL_BAD_DOMAIN;
        one->at.port = port;
        return FAIL_NOT;
    }
    one->kind = HOST_LOOKUP_MX;
    return idna_ascii(domain, one->name) ? FAIL_NOT : FAIL_BAD_DOMAIN;
}

void route_add_address(struct route *r, const struct host *from, bool told)
{
    if (r->count < ROUTE_MAX)
        r->at[r->count++] = (struct candidate){.at = from->at, .by = from, .told = told};
}

void route_add_answer(struct route *r, const struct host *asked, const struct answer *a)
{
    for (size_t i = 0; i < a->count && r->count < ROUTE_MAX; i++) {
        struct candidate *c = &r->at[r->count++];

        *c = (struct candidate){.preference = a->host[i].preference,
                                .at = a->host[i].at,
                                .by = asked,
                                .secure = asked->kind == HOST_NAME || a->secure};
        text_copy(c->name, sizeof c->name, span_of(a->host[i].name));
        c->at.port = asked->at.port;
    }
}

enum fail route_fail_of(enum answer_status status)
{
    switch (status) {
    case ANSWER_OK:
        return FAIL_NOT;
    case ANSWER_NO_DOMAIN:
        return FAIL_NO_DOMAIN;
    case ANSWER_NULL_MX:
        return FAIL_NULL_MX;
    case ANSWER_NO_ADDRESS:
        return FAIL_NO_ADDRESS;
    case ANSWER_FAILED:
        return FAIL_DNS;
    case ANSWER_BOGUS:
        return FAIL_DNSSEC;
    }
    return FAIL_DNS;
}

bool own_is_machine(const struct own *own, const struct addr *a)
{
    for (size_t i = 0; i < own->address_count; i++)
        if (!memcmp(own->addresses[i].ip, a->ip, sizeof a->ip))
            return true;
    return false;
}

static bool is_anywhere(const struct addr *a)
{
    static const struct addr v6, v4 = {.ip = {[10] = 0xff, [11] = 0xff}};

    return !memcmp(a->ip, v6.ip, sizeof a->ip) || !memcmp(a->ip, v4.ip, sizeof a->ip);
}

bool own_listens_at(const struct own *own, const struct addr *a)
{
    for (size_t i = 0; i < own->listener_count; i++) {
        const struct addr *l = &own->listeners[i];

        if (l->port != a->port)
            continue;
        if (!memcmp(l->ip, a->ip, sizeof a->ip) ||
            (is_anywhere(l) && (addr_is_loopback(a) || own_is_machine(own, a))))
            return true;
    }
    return false;
}

/* A server that the administrator wrote down may be another one on this machine. */
static bool is_own(const struct own *own, const struct candidate *c)
{
    if (own_listens_at(own, &c->at))
        return true;
    return !c->told && (networks_has(&own->others, &c->at) ||
                        (own_is_machine(own, &c->at) && !addr_is_loopback(&c->at)));
}

/* Is `a` to be tried before `b`? A preference of smtp-hosts outweighs any of an MX. */
static bool is_before(const struct candidate *a, const struct candidate *b)
{
    unsigned of_a = a->by ? a->by->preference : 0, of_b = b->by ? b->by->preference : 0;

    return of_a != of_b ? of_a < of_b : a->preference < b->preference;
}

/* What is equal stays in its order, which the facts process has shuffled. */
static void sort(struct route *r)
{
    for (size_t i = 1; i < r->count; i++) {
        struct candidate c = r->at[i];
        size_t to = i;

        for (; to > 0 && is_before(&c, &r->at[to - 1]); to--)
            r->at[to] = r->at[to - 1];
        r->at[to] = c;
    }
}

/* The domain has one server, by its MX: then `to` is one more address of that. NULL: it has not. */
static const struct candidate *sole(const struct route *r)
{
    for (const struct candidate *c = r->at; c < r->at + r->count; c++)
        if (!c->by || c->by->kind != HOST_LOOKUP_MX || !c->name[0] ||
            strcasecmp(c->name, r->at[0].name) != 0)
            return NULL;
    return r->count > 0 ? r->at : NULL;
}

bool route_only(struct route *r, const struct addr *to)
{
    const struct candidate *best = NULL;
    struct candidate one = {.at = *to};

    for (const struct candidate *c = r->at; c < r->at + r->count; c++)
        if (!memcmp(c->at.ip, to->ip, sizeof to->ip) && (!best || is_before(c, best)))
            best = c;
    if (!best)
        best = sole(r);
    if (best)
        one = *best;
    one.at = *to;
    r->at[0] = one;
    r->count = 1;
    r->dropped = 0;
    return best != NULL;
}

static void mark_beyond_own(struct route *r, const struct own *own)
{
    const struct candidate *first = NULL;

    for (size_t i = 0; i < r->count; i++) {
        struct candidate *c = &r->at[i];

        if (is_own(own, c)) {
            if (!first)
                first = c;
            c->drop = ROUTE_OWN;
        }
    }
    for (size_t i = 0; first && i < r->count; i++)
        if (r->at[i].drop == ROUTE_STAYS && !is_before(&r->at[i], first))
            r->at[i].drop = ROUTE_BEYOND;
}

static void mark_private(struct route *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->at[i].drop == ROUTE_STAYS && !r->at[i].told && addr_is_private(&r->at[i].at))
            r->at[i].drop = ROUTE_PRIVATE;
}

/* Those that are marked go behind the others; among both the order stays. How many stay. */
static size_t part(struct route *r)
{
    size_t kept = 0;

    for (size_t i = 0; i < r->count; i++) {
        struct candidate c = r->at[i];

        if (c.drop != ROUTE_STAYS)
            continue;
        for (size_t to = i; to > kept; to--)
            r->at[to] = r->at[to - 1];
        r->at[kept++] = c;
    }
    return kept;
}

static void drop(struct route *r)
{
    size_t kept = part(r);

    r->dropped += r->count - kept;
    r->count = kept;
}

enum fail route_settle(struct route *r, const struct own *own, bool allow_private)
{
    if (r->count == 0)
        return FAIL_NO_ADDRESS;
    sort(r);
    mark_beyond_own(r, own);
    drop(r);
    if (r->count == 0)
        return FAIL_LOOP;
    if (!allow_private) {
        mark_private(r);
        drop(r);
    }
    return r->count > 0 ? FAIL_NOT : FAIL_PRIVATE;
}
