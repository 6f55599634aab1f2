/* SPDX-License-Identifier: Apache-2.0 */
#include "sts/keeper.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/siphash.h"
#include "net/watch.h"
#include "way/lookup.h"

/* Inquiries that are open, and that are over and remembered; fetches at a time: others wait. */
enum { WAYS = 4096, OPEN_MOST = 10000, IDLE_MOST = 10000, FETCHES = 200 };
enum { LOOK_AGAIN = 60, FETCH_AGAIN = 300, REFRESH = 86400 }; /* seconds */

struct waiter {
    TAILQ_ENTRY(waiter) link;
    keeper_fn *fn;
    void *arg;
};

/* What is going on about a domain, or what came of it. */
struct inquiry {
    LIST_ENTRY(inquiry) link;
    TAILQ_ENTRY(inquiry) turn; /* in idle or queue */
    struct keeper *keeper;
    enum { NEW, IDLE, LOOKING, QUEUED, FETCHING } is;
    bool is_late; /* nobody waits for it any more */
    struct alarm alarm;
    double again; /* on the clock that never goes back: before that, nothing is asked */
    enum sts_trouble trouble;
    struct sts_record record;
    TAILQ_HEAD(, waiter) waiters;
    char domain[STS_DOMAIN];
};

struct keeper {
    struct event_base *base;
    struct resolve *resolve;
    struct fetcher *fetcher; /* NULL: it has been stopped */
    struct shelf *shelf;
    struct keeper_rules rules;
    keeper_news_fn *news;
    void *arg;
    uint64_t key[2];
    LIST_HEAD(, inquiry) at[WAYS];
    TAILQ_HEAD(inquiries, inquiry) idle, queue; /* the oldest first */
    size_t idle_count, open_count, fetching;
};

static void let_next_fetch(struct keeper *k);

static struct inquiry *find(struct keeper *k, const char *domain)
{
    struct inquiry *q;

    LIST_FOREACH(q, &k->at[siphash(k->key, span_of(domain)) % WAYS], link)
    if (strcmp(q->domain, domain) == 0)
        return q;
    return NULL;
}

static void answer_all(struct inquiry *q, const struct kept *kept)
{
    struct waiter *w;

    while ((w = TAILQ_FIRST(&q->waiters))) {
        TAILQ_REMOVE(&q->waiters, w, link);
        w->fn(w->arg, kept, q->trouble);
        free(w);
    }
}

static void drop(struct inquiry *q)
{
    q->trouble = STS_FETCH_ERROR;
    answer_all(q, NULL);
    LIST_REMOVE(q, link);
    alarm_stop(&q->alarm);
    free(q);
}

/* It is idle. */
static void forget(struct inquiry *q)
{
    struct keeper *k = q->keeper;

    TAILQ_REMOVE(&k->idle, q, turn);
    k->idle_count--;
    drop(q);
}

static void rest(struct inquiry *q, double seconds)
{
    struct keeper *k = q->keeper;

    q->is = IDLE;
    q->again = clock_mono() + seconds;
    k->open_count--;
    k->idle_count++;
    TAILQ_INSERT_TAIL(&k->idle, q, turn);
    if (seconds <= 0)
        forget(q);
    else if (k->idle_count > IDLE_MOST)
        forget(TAILQ_FIRST(&k->idle));
}

/* Well before it ends, so that a server may be away for a while. */
static double due_at(const struct kept *k)
{
    double half = (double)k->policy.max_age / 2;

    return k->fetched + (half < REFRESH ? half : REFRESH);
}

/* Seconds for which nothing new is looked for beside this policy. */
static double rest_beside(const struct kept *k)
{
    double now = clock_now(), due = due_at(k) - now;
    double next = due > 0 ? due : k->fetched + k->policy.max_age - now;

    return next < LOOK_AGAIN ? next : LOOK_AGAIN;
}

/* The inquiry is over; what is remembered of it keeps it from being made again too soon. `fresh`
 * is good for those who wait for it even if its max_age is 0. */
static void finish(struct inquiry *q, enum sts_trouble trouble, const char *why,
                   const struct kept *fresh)
{
    struct keeper *k = q->keeper;
    bool was_fetched = q->is == FETCHING;
    struct kept kept;
    bool has = shelf_get(k->shelf, q->domain, clock_now(), &kept);
    const struct kept *known = fresh ? fresh : has ? &kept : NULL;

    alarm_stop(&q->alarm);
    q->trouble = trouble;
    if (was_fetched || trouble != STS_FINE)
        k->news(k->arg, &(struct keeper_news){q->domain, trouble, why, was_fetched, known});
    answer_all(q, known);
    if (trouble != STS_FINE)
        rest(q, was_fetched ? FETCH_AGAIN : LOOK_AGAIN);
    else
        rest(q, has ? rest_beside(&kept) : 0);
}

static void end_fetch(struct inquiry *q, enum sts_trouble trouble, const char *why,
                      const struct kept *fresh)
{
    struct keeper *k = q->keeper;

    k->fetching--;
    finish(q, trouble, why, fresh);
    let_next_fetch(k);
}

static void on_fetched(void *arg, const struct fetched *f)
{
    struct inquiry *q = arg;
    struct kept kept = {.fetched = clock_now()};

    if (f->trouble != STS_FINE) {
        end_fetch(q, f->trouble, f->why, NULL);
        return;
    }
    if (!sts_policy_read(f->text, &kept.policy)) {
        end_fetch(q, STS_INVALID, "its text is no policy", NULL);
        return;
    }
    memcpy(kept.id, q->record.id, sizeof kept.id);
    shelf_put(q->keeper->shelf, q->domain, &kept);
    end_fetch(q, STS_FINE, "", &kept);
}

static void on_addresses(void *arg, const struct answer *a)
{
    struct inquiry *q = arg;
    struct keeper *k = q->keeper;
    struct addr at[FETCH_ADDRESSES];
    size_t count = 0;

    for (size_t i = 0; i < a->count && count < FETCH_ADDRESSES; i++)
        if (k->rules.allow_private || !addr_is_private(&a->host[i].at))
            at[count++] = a->host[i].at;
    if (count == 0)
        end_fetch(q, STS_FETCH_ERROR,
                  a->count > 0                     ? "its server has only private addresses"
                  : a->status == ANSWER_NO_ADDRESS ? "its server has no address"
                                                   : "no name server says its server's address",
                  NULL);
    else if (!k->fetcher)
        end_fetch(q, STS_FETCH_ERROR, "this process ends", NULL);
    else
        fetch_start(k->fetcher, q->domain, at, count, on_fetched, q);
}

static void begin_fetch(struct inquiry *q)
{
    struct question ask = {.kind = QUESTION_HOST};

    q->is = FETCHING;
    q->keeper->fetching++;
    snprintf(ask.name, sizeof ask.name, "mta-sts.%.*s", DNS_NAME - 9, q->domain);
    lookup_start(q->keeper->resolve, &ask, on_addresses, q);
}

static void let_next_fetch(struct keeper *k)
{
    struct inquiry *q = TAILQ_FIRST(&k->queue);

    if (!q || k->fetching >= FETCHES || !k->fetcher)
        return;
    TAILQ_REMOVE(&k->queue, q, turn);
    begin_fetch(q);
}

static void note_record(void *arg, struct span text)
{
    sts_record_add(arg, text);
}

static void judge_record(struct inquiry *q)
{
    struct keeper *k = q->keeper;
    struct kept kept;

    /* Gone, or two of them: there is no policy, but one that holds still does (RFC 8461, 5.1). */
    if (!sts_record_is(&q->record)) {
        finish(q, STS_FINE, "", NULL);
        return;
    }
    if (shelf_get(k->shelf, q->domain, clock_now(), &kept) && strcmp(kept.id, q->record.id) == 0 &&
        clock_now() < due_at(&kept)) {
        finish(q, STS_FINE, "", NULL);
        return;
    }
    q->is = QUEUED;
    TAILQ_INSERT_TAIL(&k->queue, q, turn);
    let_next_fetch(k);
}

static void on_record(void *arg, enum resolved how, bool secure, struct span message)
{
    struct inquiry *q = arg;

    (void)secure;
    if (how != RESOLVED_ABSENT &&
        (how != RESOLVED_NAMED || !dns_read_texts(message, note_record, &q->record)))
        finish(q, STS_FETCH_ERROR, "no name server says its TXT record", NULL);
    else
        judge_record(q);
}

/* Who waits goes on without the policy; that is still fetched. */
static void on_late(void *arg)
{
    struct inquiry *q = arg;

    q->is_late = true;
    q->trouble = STS_FETCH_ERROR;
    answer_all(q, NULL);
}

static void look(struct inquiry *q)
{
    char name[DNS_NAME + 16];

    snprintf(name, sizeof name, "_mta-sts.%s", q->domain);
    if (q->is == IDLE) {
        TAILQ_REMOVE(&q->keeper->idle, q, turn);
        q->keeper->idle_count--;
    }
    q->is = LOOKING;
    q->is_late = false;
    q->record = (struct sts_record){.count = 0};
    q->keeper->open_count++;
    alarm_set(&q->alarm, q->keeper->rules.fetch.seconds);
    resolve_ask(q->keeper->resolve, name, DNS_TXT, on_record, q);
}

static struct inquiry *inquiry_new(struct keeper *k, const char *domain)
{
    struct inquiry *q = k->open_count < OPEN_MOST ? calloc(1, sizeof *q) : NULL;

    if (!q)
        return NULL;
    q->keeper = k;
    snprintf(q->domain, sizeof q->domain, "%s", domain);
    TAILQ_INIT(&q->waiters);
    alarm_init(&q->alarm, k->base, on_late, q);
    LIST_INSERT_HEAD(&k->at[siphash(k->key, span_of(domain)) % WAYS], q, link);
    return q;
}

static bool wait_for(struct inquiry *q, keeper_fn *fn, void *arg)
{
    struct waiter *w = calloc(1, sizeof *w);

    if (!w)
        return false;
    w->fn = fn;
    w->arg = arg;
    TAILQ_INSERT_TAIL(&q->waiters, w, link);
    return true;
}

/* An inquiry that rests without trouble had found a policy: without one now (`has`), the store has
 * had to let it go. */
static bool may_look(const struct keeper *k, const struct inquiry *q, bool has)
{
    bool was_lost = q && !has && q->trouble == STS_FINE;

    return k->fetcher && (!q || (q->is == IDLE && (was_lost || clock_mono() >= q->again)));
}

static void ask(struct keeper *k, const char *name, keeper_fn *fn, void *arg)
{
    struct inquiry *q = find(k, name);
    struct kept kept;
    bool has = shelf_get(k->shelf, name, clock_now(), &kept), looks = may_look(k, q, has);
    bool awaited = q && q->is != NEW && q->is != IDLE && !q->is_late;

    if (!q && looks)
        q = inquiry_new(k, name);
    if (!q) {
        fn(arg, has ? &kept : NULL, has ? STS_FINE : STS_FETCH_ERROR);
        return;
    }
    if (has || !(looks || awaited) || !wait_for(q, fn, arg))
        fn(arg, has ? &kept : NULL, q->trouble);
    if (looks)
        look(q);
}

void keeper_ask(struct keeper *k, const char *domain, keeper_fn *fn, void *arg)
{
    char name[STS_DOMAIN];

    if (sts_record_domain(domain, name))
        ask(k, name, fn, arg);
    else
        fn(arg, NULL, STS_FINE);
}

struct keeper *keeper_new(struct event_base *base, struct resolve *resolve, struct store *store,
                          const struct keeper_rules *rules, keeper_news_fn *news, void *arg,
                          char *why, size_t size)
{
    struct keeper *k = calloc(1, sizeof *k);

    if (!k || !(k->shelf = shelf_new(store))) {
        free(k);
        snprintf(why, size, "out of memory");
        return NULL;
    }
    k->base = base;
    k->resolve = resolve;
    k->rules = *rules;
    k->news = news;
    k->arg = arg;
    TAILQ_INIT(&k->idle);
    TAILQ_INIT(&k->queue);
    if (getrandom(k->key, sizeof k->key, 0) == sizeof k->key &&
        (k->fetcher = fetcher_new(base, &rules->fetch, why, size)))
        return k;
    keeper_free(&k);
    return NULL;
}

void keeper_forget(struct keeper *k, const char *domain)
{
    struct inquiry *q = find(k, domain);

    shelf_forget(k->shelf, domain);
    if (q && q->is == IDLE)
        forget(q);
}

void keeper_stop(struct keeper *k)
{
    fetcher_free(&k->fetcher);
}

void keeper_free(struct keeper **k)
{
    struct inquiry *q;

    if (!*k)
        return;
    fetcher_free(&(*k)->fetcher);
    for (size_t i = 0; i < WAYS; i++)
        while ((q = LIST_FIRST(&(*k)->at[i])))
            drop(q);
    shelf_free(&(*k)->shelf);
    free(*k);
    *k = NULL;
}
