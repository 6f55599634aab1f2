/* SPDX-License-Identifier: Apache-2.0 */
#include "way/lookup.h"

#include <stdlib.h>
#include <sys/random.h>

#include "way/pins.h"

enum { ADDRESSES = 8, MX_MOST = 64 };

struct lookup;

/* One host on its way to addresses. */
struct node {
    struct lookup *of;
    char name[DNS_NAME];
    unsigned preference;
    struct addr v4[ADDRESSES], v6[ADDRESSES];
    size_t v4_count, v6_count;
};

struct lookup {
    struct resolve *resolve; /* borrowed */
    struct question q;
    lookup_fn *fn;
    void *arg;
    struct node node[LOOKUP_HOSTS];
    size_t count;
    unsigned open;        /* questions without an answer; one more while we ask */
    bool unknown, absent; /* an answer did not come; the name is not there */
    bool bogus;           /* or does not validate */
    bool secure;          /* the MX records, or that there are none */
    bool null_mx;
    unsigned long lasts; /* the least of all messages */
};

static void note_life(struct lookup *k, struct span message)
{
    unsigned long life = dns_life(message);

    if (life < k->lasts)
        k->lasts = life;
}

static void add_addresses(struct answer *a, const struct node *n, const struct addr *at,
                          size_t count)
{
    for (size_t i = 0; i < count && a->count < ANSWER_HOSTS; i++) {
        struct answer_host *h = &a->host[a->count++];

        memcpy(h->name, n->name, sizeof h->name);
        h->preference = n->preference;
        h->at = at[i];
    }
}

static enum answer_status status_of(const struct lookup *k, const struct answer *a)
{
    if (k->null_mx)
        return ANSWER_NULL_MX;
    if (a->count > 0)
        return ANSWER_OK;
    if (k->bogus)
        return ANSWER_BOGUS;
    if (k->unknown)
        return ANSWER_FAILED;
    return k->absent ? ANSWER_NO_DOMAIN : ANSWER_NO_ADDRESS;
}

static void finish(struct lookup *k)
{
    struct answer a = {.number = k->q.number, .kind = k->q.kind, .secure = k->secure};

    for (size_t i = 0; i < k->count; i++) {
        add_addresses(&a, &k->node[i], k->node[i].v4, k->node[i].v4_count);
        add_addresses(&a, &k->node[i], k->node[i].v6, k->node[i].v6_count);
    }
    a.status = status_of(k, &a);
    a.lasts = k->unknown || k->bogus ? 0 : (uint32_t)k->lasts;
    k->fn(k->arg, &a);
    free(k);
}

static void one_less(struct lookup *k)
{
    if (--k->open == 0)
        finish(k);
}

/* Reads addresses into the node; the question may have been for its A or its AAAA. */
static void on_addresses(struct node *n, enum resolved how, struct span message, enum dns_type type)
{
    struct dns_record found[ADDRESSES];
    size_t count = 0;

    note_life(n->of, message);
    if (how == RESOLVED_BOGUS)
        n->of->bogus = true;
    if (how == RESOLVED_UNKNOWN ||
        (how == RESOLVED_NAMED && !dns_read(message, type, found, ADDRESSES, &count)))
        n->of->unknown = true;
    for (size_t i = 0; i < count; i++) {
        if (type == DNS_A)
            n->v4[n->v4_count++] = found[i].at;
        else
            n->v6[n->v6_count++] = found[i].at;
    }
    one_less(n->of);
}

static void on_v4(void *arg, enum resolved how, bool secure, struct span message)
{
    (void)secure;
    on_addresses(arg, how, message, DNS_A);
}

static void on_v6(void *arg, enum resolved how, bool secure, struct span message)
{
    (void)secure;
    on_addresses(arg, how, message, DNS_AAAA);
}

static void ask_addresses(struct lookup *k)
{
    k->open += 2 * (unsigned)k->count + 1;
    for (size_t i = 0; i < k->count; i++) {
        resolve_ask(k->resolve, k->node[i].name, DNS_A, on_v4, &k->node[i]);
        resolve_ask(k->resolve, k->node[i].name, DNS_AAAA, on_v6, &k->node[i]);
    }
    one_less(k);
}

static void add_node(struct lookup *k, const char *name, unsigned preference)
{
    struct node *n = &k->node[k->count++];

    n->of = k;
    n->preference = preference;
    memcpy(n->name, name, strlen(name) + 1);
}

static unsigned chance(unsigned below)
{
    unsigned n = 0;

    return getrandom(&n, sizeof n, GRND_NONBLOCK) == sizeof n ? n % below : 0;
}

static void shuffle(struct dns_record *mx, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t with = chance((unsigned)i);
        struct dns_record one = mx[i - 1];

        mx[i - 1] = mx[with];
        mx[with] = one;
    }
}

static int by_preference(const void *a, const void *b)
{
    const struct dns_record *x = a, *y = b;

    return (x->preference > y->preference) - (x->preference < y->preference);
}

/* A lone "." says that the domain takes no mail; beside others it says nothing (RFC 7505, 3). */
static void take_mx(struct lookup *k, struct dns_record *mx, size_t count)
{
    if (count == 0) {
        add_node(k, k->q.name, 0);
        return;
    }
    k->null_mx = count == 1 && !mx[0].name[0];
    shuffle(mx, count);
    qsort(mx, count, sizeof *mx, by_preference);
    for (size_t i = 0; i < count && k->count < LOOKUP_HOSTS; i++)
        if (mx[i].name[0] && strcmp(mx[i].name, DNS_NO_HOST) != 0)
            add_node(k, mx[i].name, mx[i].preference);
}

static void on_mx(void *arg, enum resolved how, bool secure, struct span message)
{
    struct dns_record mx[MX_MOST];
    struct lookup *k = arg;
    size_t count = 0;

    k->secure = secure;
    note_life(k, message);
    if (how == RESOLVED_ABSENT)
        k->absent = true;
    else if (how == RESOLVED_BOGUS)
        k->bogus = true;
    else if (how == RESOLVED_UNKNOWN || !dns_read(message, DNS_MX, mx, MX_MOST, &count))
        k->unknown = true;
    else
        take_mx(k, mx, count);
    if (!k->null_mx && k->count > 0)
        ask_addresses(k);
    one_less(k);
}

void lookup_start(struct resolve *r, const struct question *q, lookup_fn *fn, void *arg)
{
    struct lookup *k;

    if (q->kind == QUESTION_TLSA) {
        pins_start(r, q, fn, arg);
        return;
    }
    k = calloc(1, sizeof *k);
    if (!k) {
        struct answer none;

        answer_failed(&none, q);
        fn(arg, &none);
        return;
    }
    *k = (struct lookup){
        .resolve = r, .q = *q, .fn = fn, .arg = arg, .open = 1, .lasts = UINT32_MAX};
    k->q.name[DNS_NAME - 1] = '\0';
    if (q->kind == QUESTION_MAIL) {
        resolve_ask(r, k->q.name, DNS_MX, on_mx, k);
        return;
    }
    add_node(k, k->q.name, 0);
    ask_addresses(k);
    one_less(k);
}
