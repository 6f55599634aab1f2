/* SPDX-License-Identifier: Apache-2.0 */
#include "way/find.h"

#include <stdlib.h>

#include "way/family.h"

#include "base/text.h"

/* A name server that fails may have known more: that counts before anything else. */
static void note(struct find *f, enum fail fail)
{
    if (fail != FAIL_NOT && (f->fail == FAIL_NOT || fail == FAIL_DNS))
        f->fail = fail;
}

static bool is_known_for_sure(const struct route *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->at[i].secure)
            return true;
    return false;
}

/* Another server than the domain's, or a domain that only the mail server knows: it has its
 * reasons. But what is not known for sure might be the server's name, and so what it must prove;
 * and where the servers are known for sure, another address is a way past their TLSA records. */
static void choose(struct find *f)
{
    bool sure = f->heeds_dane && is_known_for_sure(&f->route);

    if (route_only(&f->route, f->to)) {
        f->fail = FAIL_NOT;
        return;
    }
    if (sure)
        f->fail = FAIL_ELSEWHERE;
    else if (f->fail != FAIL_DNS && f->fail != FAIL_DNSSEC)
        f->fail = FAIL_NOT;
    if (f->fail != FAIL_NOT)
        f->route.count = 0;
}

static void settle(struct find *f)
{
    if (f->unknown) {
        f->route.count = 0;
        f->fail = FAIL_DNS;
        return;
    }
    if (f->to)
        choose(f);
    if (f->route.count > 0 || f->fail == FAIL_NOT)
        f->fail = route_settle(&f->route, f->own, f->allow_private);
    if (f->route.count > 1)
        family_order(&f->route, family_is_v6_first(f->own, f->rule));
}

static void one_less(struct find *f)
{
    if (--f->open > 0)
        return;
    settle(f);
    f->fn(f->arg);
}

/* Who was too busy to say has not said that there is no policy. Then, and without memory, the
 * search ends: to go on would be to go on without it. */
static void take_policy(struct find *f, size_t i, const struct answer *a)
{
    struct answer **to = &f->look[i].policy;

    if (a->status != ANSWER_OK)
        f->unknown = true;
    else if (a->sts.mode == STS_NONE)
        f->look[i].trouble = (enum sts_trouble)a->sts.trouble;
    else if ((*to = malloc(answer_size(a))))
        memcpy(*to, a, answer_size(a));
    else
        f->unknown = true;
}

/* Which host one of its two questions is about. */
static size_t place_of(const struct find *f, const struct ask *asked)
{
    return (size_t)((const char *)asked - (const char *)f->look) / sizeof f->look[0];
}

static void on_policy(struct ask *asked, const struct answer *a)
{
    struct find *f = asked->arg;

    take_policy(f, place_of(f, asked), a);
    one_less(f);
}

static void take_answer(struct find *f, size_t i, const struct answer *a)
{
    note(f, route_fail_of((enum answer_status)a->status));
    route_add_answer(&f->route, &f->hosts.at[i], a);
}

static void on_answer(struct ask *asked, const struct answer *a)
{
    struct find *f = asked->arg;

    take_answer(f, place_of(f, asked), a);
    one_less(f);
}

static void on_seen(struct ask *asked, const struct answer *a)
{
    struct find *f = asked->arg;

    f->unknown = f->unknown || a->status != ANSWER_OK;
    f->seen = a->secure;
    one_less(f);
}

/* NULL: it is not known, and asked. */
static const struct answer *recall(struct find *f, struct line *line, struct ask *ask,
                                   enum question_kind kind, const char *name, ask_fn *fn)
{
    const struct answer *a = line_recall(line, kind, name, 0);

    if (a)
        return a;
    f->open++;
    ask_start(ask, line, kind, name, fn, f);
    return NULL;
}

static void look_up(struct find *f, struct line *line, size_t i)
{
    const struct host *h = &f->hosts.at[i];
    const struct answer *a;

    switch (h->kind) {
    case HOST_ADDRESS:
        route_add_address(&f->route, h, f->told);
        return;
    case HOST_NAME:
    case HOST_LOOKUP_MX:
        a = recall(f, line, &f->look[i].ask, h->kind == HOST_NAME ? QUESTION_HOST : QUESTION_MAIL,
                   h->name, on_answer);
        if (a)
            take_answer(f, i, a);
        if (f->heeds_sts &&
            (a = recall(f, line, &f->look[i].sts, QUESTION_STS, h->name, on_policy)))
            take_policy(f, i, a);
        return;
    }
}

void find_init(struct find *f)
{
    memset(f, 0, offsetof(struct find, hosts));
    f->hosts.count = f->route.count = f->route.dropped = 0;
    f->look[0].policy = NULL;
    f->look[0].trouble = STS_FINE;
}

static void clear_places(struct find *f)
{
    for (size_t i = 0; i < f->hosts.count; i++) {
        f->look[i].ask.line = f->look[i].sts.line = NULL;
        f->look[i].policy = NULL;
        f->look[i].trouble = STS_FINE;
    }
}

bool find_start(struct find *f, struct line *line, struct span domain, const struct domain *rule,
                const struct own *own, const struct addr *to, find_fn *fn, void *arg)
{
    find_init(f);
    f->own = own;
    f->to = to;
    f->allow_private = rule->allow_private_destinations;
    f->heeds_dane = rule->use_dane != DOMAIN_DANE_OFF;
    f->rule = rule;
    f->heeds_sts = rule->use_mta_sts;
    f->told = rule->smtp_hosts[0] != '\0';
    f->fn = fn;
    f->arg = arg;
    f->fail = route_hosts(domain, rule->smtp_hosts, domain_port(rule), &f->hosts);
    clear_places(f);
    if (f->fail != FAIL_NOT)
        return true;
    for (size_t i = 0; i < f->hosts.count; i++)
        look_up(f, line, i);
    if (rule->starttls_memory > 0 && domain.len < DNS_NAME) {
        char name[DNS_NAME];

        text_copy(name, sizeof name, domain);
        f->open++;
        ask_start(&f->asks_seen, line, QUESTION_SEEN, name, on_seen, f);
    }
    if (f->open > 0)
        return false;
    settle(f);
    return true;
}

void find_cancel(struct find *f)
{
    for (size_t i = 0; i < f->hosts.count; i++) {
        ask_cancel(&f->look[i].ask);
        ask_cancel(&f->look[i].sts);
    }
    ask_cancel(&f->asks_seen);
    f->open = 0;
}

void find_clear(struct find *f)
{
    find_cancel(f);
    for (size_t i = 0; i < f->hosts.count; i++) {
        free(f->look[i].policy);
        f->look[i].policy = NULL;
    }
}

/* Which host led to the candidate. */
static const struct look *look_of(const struct find *f, const struct candidate *c)
{
    return &f->look[c->by ? c->by - f->hosts.at : 0];
}

const struct answer *find_policy(const struct find *f, const struct candidate *c)
{
    return look_of(f, c)->policy;
}

enum sts_trouble find_trouble(const struct find *f, const struct candidate *c)
{
    return look_of(f, c)->trouble;
}
