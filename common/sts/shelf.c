/* SPDX-License-Identifier: Apache-2.0 */
#include "sts/shelf.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"

/* A policy as text: 64 patterns, and a line before it. */
enum { TEXT_MOST = STS_POLICY_MX * (STS_POLICY_NAME + 5) + 256, LOOSE_MOST = 500 };

/* What the store did not take. */
struct loose {
    TAILQ_ENTRY(loose) link;
    double until;
    char *domain, *text; /* ours */
};

struct shelf {
    struct store *store;
    TAILQ_HEAD(loose_ones, loose) loose; /* the newest first */
    size_t count;
};

struct shelf *shelf_new(struct store *store)
{
    struct shelf *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->store = store;
    TAILQ_INIT(&s->loose);
    return s;
}

static void drop(struct shelf *s, struct loose *l)
{
    if (!l)
        return;
    TAILQ_REMOVE(&s->loose, l, link);
    s->count--;
    free(l->domain);
    free(l->text);
    free(l);
}

void shelf_free(struct shelf **s)
{
    if (!*s)
        return;
    while (!TAILQ_EMPTY(&(*s)->loose))
        drop(*s, TAILQ_FIRST(&(*s)->loose));
    free(*s);
    *s = NULL;
}

static struct loose *find(const struct shelf *s, const char *domain)
{
    struct loose *l;

    TAILQ_FOREACH(l, &s->loose, link)
    if (strcmp(l->domain, domain) == 0)
        return l;
    return NULL;
}

/* "1 FETCHED ID", a line break, the policy. */
static bool unpack(struct span text, struct kept *out)
{
    char line[96];
    struct span first = span_cut(&text, '\n');

    if (first.len >= sizeof line)
        return false;
    memcpy(line, first.at, first.len);
    line[first.len] = '\0';
    return sscanf(line, "1 %lf %32[A-Za-z0-9]", &out->fetched, out->id) == 2 &&
           isfinite(out->fetched) && sts_policy_read(text, &out->policy);
}

static size_t pack(const struct kept *k, char *to, size_t size)
{
    size_t used = (size_t)snprintf(to, size, "1 %.3f %s\n", k->fetched, k->id);
    size_t more = used < size ? sts_policy_write(&k->policy, to + used, size - used) : 0;

    return more ? used + more : 0;
}

static bool get_text(const struct shelf *s, const char *domain, double now, struct kept *out)
{
    const struct loose *l = find(s, domain);
    char text[TEXT_MOST];
    long len;

    if (l)
        return now < l->until && unpack(span_of(l->text), out);
    if (!s->store)
        return false;
    len = memory_get(s->store, MEMORY_STS, span_of(domain), now, text, sizeof text);
    return len >= 0 && unpack((struct span){text, (size_t)len}, out);
}

bool shelf_get(const struct shelf *s, const char *domain, double now, struct kept *out)
{
    /* A clock that was set back makes no policy live longer than it may from now on. */
    return get_text(s, domain, now, out) && now < out->fetched + out->policy.max_age &&
           out->fetched <= now + 1;
}

static bool store_text(struct shelf *s, const char *domain, struct span text, double until)
{
    struct store_txn *t = s->store ? store_begin(s->store) : NULL;

    if (!t)
        return false;
    memory_put(t, MEMORY_STS, span_of(domain), text, until);
    memory_tidy(t, clock_now());
    return store_commit(&t);
}

static void put_loose(struct shelf *s, const char *domain, const char *text, double until)
{
    struct loose *l = calloc(1, sizeof *l);

    if (l && (l->domain = strdup(domain)) && (l->text = strdup(text))) {
        l->until = until;
        TAILQ_INSERT_HEAD(&s->loose, l, link);
        if (++s->count > LOOSE_MOST)
            drop(s, TAILQ_LAST(&s->loose, loose_ones));
        return;
    }
    if (l)
        free(l->domain);
    free(l);
}

void shelf_forget(struct shelf *s, const char *domain)
{
    drop(s, find(s, domain));
}

void shelf_put(struct shelf *s, const char *domain, const struct kept *k)
{
    double until = k->fetched + k->policy.max_age;
    char text[TEXT_MOST];
    size_t len = pack(k, text, sizeof text);

    drop(s, find(s, domain));
    if (len > 0 && !store_text(s, domain, (struct span){text, len}, until))
        put_loose(s, domain, text, until);
}
