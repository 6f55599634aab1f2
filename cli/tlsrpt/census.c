/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/census.h"

#include <search.h>
#include <stdlib.h>

#include "base/siphash.h"

/* Hashes of what was seen; 0 is none. */
struct seen {
    uint64_t *slot; /* ours */
    size_t room, count;
};

struct census {
    void *domains; /* tsearch()'s */
    struct seen seen;
};

static uint64_t hash_of(char kind, struct span domain, struct span id)
{
    static const uint64_t key[2] = {0x746c73727074, 8460};
    uint64_t parts[2] = {siphash(key, domain), siphash(key, id)};
    uint64_t hash = siphash((const uint64_t[2]){8460, (unsigned char)kind},
                            (struct span){(const char *)parts, sizeof parts});

    return hash ? hash : 1;
}

static uint64_t *find(const struct seen *s, uint64_t hash)
{
    size_t at = hash & (s->room - 1);

    while (s->slot[at] && s->slot[at] != hash)
        at = (at + 1) & (s->room - 1);
    return &s->slot[at];
}

static bool grow(struct seen *s)
{
    struct seen more = {.room = s->room ? 2 * s->room : 1024, .count = s->count};

    more.slot = calloc(more.room, sizeof *more.slot);
    if (!more.slot)
        return false;
    for (size_t i = 0; i < s->room; i++)
        if (s->slot[i])
            *find(&more, s->slot[i]) = s->slot[i];
    free(s->slot);
    *s = more;
    return true;
}

static bool has(const struct seen *s, uint64_t hash)
{
    return s->room > 0 && *find(s, hash) == hash;
}

static bool note(struct seen *s, uint64_t hash)
{
    if (4 * (s->count + 1) > 3 * s->room && !grow(s))
        return false;
    s->count += *find(s, hash) != hash;
    *find(s, hash) = hash;
    return true;
}

static char *text_new(struct span s)
{
    char *text = malloc(s.len + 1);

    if (text) {
        if (s.len > 0)
            memcpy(text, s.at, s.len);
        text[s.len] = '\0';
    }
    return text;
}

static void drop(const char *text)
{
    free((char *)(uintptr_t)text);
}

static void failure_free(struct failure *f)
{
    if (!f)
        return;
    drop(f->result);
    drop(f->from);
    drop(f->mx);
    drop(f->to);
    drop(f->reason);
    free(f);
}

static void policy_free(struct policy *p)
{
    struct failure *f;

    if (!p)
        return;
    while ((f = p->failures)) {
        p->failures = f->next;
        failure_free(f);
    }
    drop(p->type);
    drop(p->text);
    drop(p->domain);
    free(p);
}

static void domain_free(void *arg)
{
    struct domain_count *d = arg;
    struct policy *p;

    while ((p = d->policies)) {
        d->policies = p->next;
        policy_free(p);
    }
    drop(d->name);
    free(d);
}

struct census *census_new(void)
{
    return calloc(1, sizeof(struct census));
}

void census_free(struct census **c)
{
    if (*c) {
        tdestroy((*c)->domains, domain_free);
        free((*c)->seen.slot);
    }
    free(*c);
    *c = NULL;
}

static int compare(const void *a, const void *b)
{
    const struct domain_count *one = a, *other = b;

    return strcmp(one->name, other->name);
}

static struct domain_count *find_domain(struct census *c, struct span name)
{
    struct domain_count *d = calloc(1, sizeof *d);
    struct domain_count **at;

    if (!d || !(d->name = text_new(name)) || !(at = tsearch(d, &c->domains, compare))) {
        if (d)
            domain_free(d);
        return NULL;
    }
    if (*at != d)
        domain_free(d);
    return *at;
}

static bool is_policy(const struct policy *p, const struct session *s)
{
    return span_is(s->type, p->type) && span_is(s->text, p->text) &&
           span_is(s->policy_domain, p->domain);
}

static struct policy *policy_new(const struct session *s)
{
    struct policy *p = calloc(1, sizeof *p);

    if (p && (p->type = text_new(s->type)) && (p->text = text_new(s->text)) &&
        (p->domain = text_new(s->policy_domain)))
        return p;
    policy_free(p);
    return NULL;
}

/* Beyond what is kept apart there is one of each type, of the recipient domain: whoever says
 * another policy each time makes no list that grows. */
static struct policy *find_policy(struct domain_count *d, const struct session *s)
{
    struct session bare = *s;
    struct policy **at = &d->policies;

    if (d->policy_count >= POLICIES_MOST) {
        bare.text = SPAN("");
        bare.policy_domain = span_of(d->name);
    }
    for (; *at; at = &(*at)->next)
        if (is_policy(*at, s) || is_policy(*at, &bare))
            return *at;
    *at = policy_new(&bare);
    d->policy_count += *at != NULL;
    return *at;
}

static bool is_same(const struct failure *f, const struct session *s)
{
    return span_is(s->result, f->result) && span_is(s->reason, f->reason) &&
           span_is(s->from, f->from) && span_is(s->mx, f->mx) && span_is(s->to, f->to);
}

static struct failure *failure_new(const struct session *s)
{
    struct failure *f = calloc(1, sizeof *f);

    if (f && (f->result = text_new(s->result)) && (f->reason = text_new(s->reason)) &&
        (f->from = text_new(s->from)) && (f->mx = text_new(s->mx)) && (f->to = text_new(s->to)))
        return f;
    failure_free(f);
    return NULL;
}

static struct failure *find_failure(struct policy *p, const struct session *s)
{
    struct session bare = *s;
    struct failure **at = &p->failures;

    if (p->failure_count >= FAILURES_MOST)
        bare.from = bare.mx = bare.to = SPAN("");
    for (; *at; at = &(*at)->next)
        if (is_same(*at, s) || is_same(*at, &bare))
            return *at;
    *at = failure_new(&bare);
    p->failure_count += *at != NULL;
    return *at;
}

bool census_mark(struct census *c, const struct session *s)
{
    if (s->is != SESSION_REPORT)
        return true;
    return (s->id.len == 0 || note(&c->seen, hash_of('s', s->domain, s->id))) &&
           (s->client.len == 0 || note(&c->seen, hash_of('c', s->domain, s->client)));
}

bool census_add(struct census *c, const struct session *s)
{
    uint64_t hash = hash_of('s', s->domain, s->id);
    struct domain_count *d;
    struct policy *p;
    struct failure *f;

    if (s->is == SESSION_REPORT || has(&c->seen, hash) ||
        (s->is_attempt && has(&c->seen, hash_of('c', s->domain, s->client))))
        return true;
    if (!note(&c->seen, hash) || !(d = find_domain(c, s->domain)) || !(p = find_policy(d, s)))
        return false;
    if (s->is == SESSION_GOOD) {
        p->good++;
        return true;
    }
    if (!(f = find_failure(p, s)))
        return false;
    f->count++;
    p->failed++;
    return true;
}

struct each {
    census_fn *fn;
    void *arg;
};

static void visit(const void *node, VISIT when, void *arg)
{
    const struct domain_count *const *d = node;
    const struct each *e = arg;

    if (when == postorder || when == leaf)
        e->fn(e->arg, *d);
}

void census_each(const struct census *c, census_fn *fn, void *arg)
{
    struct each e = {fn, arg};

    twalk_r(c->domains, visit, &e);
}
