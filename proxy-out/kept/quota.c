/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/kept/quota.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "smtp/idna.h"

enum { WAYS = 1024 };

/* Who would be behind so many has no hope, and is not to hold its client up. */
enum { WAITING_LEAST = 50, WAITING_EACH = 10 };

struct quota {
    LIST_ENTRY(quota) link;
    TAILQ_ENTRY(quota) due_link;
    struct quotas *all;
    char domain[IDNA_NAME];
    unsigned long count, most;
    TAILQ_HEAD(, waiter) waiters;
    unsigned long waiting; /* of them */
    bool due;              /* the first of them is to be called */
};

LIST_HEAD(way, quota);

struct quotas {
    struct way at[WAYS];
    TAILQ_HEAD(, quota) due;
    const struct quota *turn;   /* the one whose waiter is called now */
    unsigned long most_waiting; /* for one domain */
    quota_spare_fn *spare;
    void *arg;
    struct alarm alarm;
};

static void free_if_unused(struct quota *q)
{
    if (q->count > 0 || q->waiting > 0 || q->due)
        return;
    LIST_REMOVE(q, link);
    free(q);
}

static bool has_room(const struct quota *q)
{
    return q->count < q->most || q->all->spare(q->all->arg, q, false);
}

static void take_off(struct waiter *w)
{
    TAILQ_REMOVE(&w->quota->waiters, w, link);
    w->quota->waiting--;
    w->quota = NULL;
}

/* As many as there is room for; none is called to find out that there is none. */
static void serve(struct quota *q)
{
    for (unsigned long n = q->waiting; n > 0 && q->waiting > 0 && has_room(q); n--) {
        struct waiter *w = TAILQ_FIRST(&q->waiters);

        take_off(w);
        q->all->turn = q;
        w->fn(w->arg);
        q->all->turn = NULL;
    }
}

static void on_due(void *arg)
{
    struct quotas *all = arg;
    TAILQ_HEAD(, quota) now;
    struct quota *q;

    TAILQ_INIT(&now);
    TAILQ_CONCAT(&now, &all->due, due_link);
    while ((q = TAILQ_FIRST(&now))) {
        TAILQ_REMOVE(&now, q, due_link);
        serve(q); /* `due` keeps it alive */
        q->due = false;
        if (q->waiting > 0 && has_room(q))
            quota_call(q);
        free_if_unused(q);
    }
}

/* From the loop: whoever gives a place back is in the middle of something. */
void quota_call(struct quota *q)
{
    if (q->waiting == 0 || q->due)
        return;
    q->due = true;
    TAILQ_INSERT_TAIL(&q->all->due, q, due_link);
    alarm_set(&q->all->alarm, 0);
}

struct quotas *quotas_new(struct event_base *base, unsigned long sessions, quota_spare_fn *spare,
                          void *arg)
{
    struct quotas *all = calloc(1, sizeof *all);

    if (!all)
        return NULL;
    TAILQ_INIT(&all->due);
    all->most_waiting = sessions / 4 > 0 ? sessions / 4 : 1;
    all->spare = spare;
    all->arg = arg;
    alarm_init(&all->alarm, base, on_due, all);
    return all;
}

void quotas_free(struct quotas **at)
{
    struct quotas *all = *at;
    struct quota *q;

    if (!all)
        return;
    *at = NULL;
    while ((q = TAILQ_FIRST(&all->due))) {
        TAILQ_REMOVE(&all->due, q, due_link);
        q->due = false;
        free_if_unused(q);
    }
    alarm_stop(&all->alarm);
    free(all);
}

static struct way *way_of(const struct quotas *all, const char *domain)
{
    unsigned hash = 5381;

    while (*domain)
        hash = hash * 33 + (unsigned char)*domain++;
    return (struct way *)&all->at[hash % WAYS];
}

/* NULL: there is none. */
static struct quota *find(const struct quotas *all, const char *domain)
{
    struct quota *q;

    LIST_FOREACH(q, way_of(all, domain), link)
    if (strcmp(q->domain, domain) == 0)
        break;
    return q;
}

static struct quota *find_or_make(struct quotas *all, const char *domain, unsigned long most)
{
    struct quota *q = find(all, domain);

    if (!q && (q = calloc(1, sizeof *q))) {
        q->all = all;
        TAILQ_INIT(&q->waiters);
        text_copy(q->domain, sizeof q->domain, span_of(domain));
        LIST_INSERT_HEAD(way_of(all, domain), q, link);
    }
    if (q)
        q->most = most;
    return q;
}

static bool is_awaited(const struct quota *q)
{
    return q->waiting > 0 && q->all->turn != q;
}

bool quota_is_awaited(const struct quotas *all, const char *domain)
{
    const struct quota *q = find(all, domain);

    return q && is_awaited(q);
}

bool quota_is_of(const struct quota *q, const char *domain)
{
    return strcmp(q->domain, domain) == 0;
}

struct quota *quota_enter(struct quotas *all, const char *domain, unsigned long most)
{
    struct quota *q = find_or_make(all, domain, most);

    if (!q || is_awaited(q))
        return NULL;
    q->count++; /* so that it outlives the one that goes */
    if (q->count > most)
        (void)all->spare(all->arg, q, true);
    if (q->count <= most)
        return q;
    q->count--; /* there is no more room than before: nobody is to be called */
    return NULL;
}

void quota_leave(struct quota *q)
{
    q->count--;
    quota_call(q);
    free_if_unused(q);
}

bool quota_wait(struct quotas *all, const char *domain, unsigned long most, struct waiter *w,
                watch_fn *fn, void *arg)
{
    struct quota *q = find_or_make(all, domain, most);

    if (!q)
        return false;
    if (!w->again &&
        (q->waiting >= all->most_waiting || q->waiting >= WAITING_LEAST + WAITING_EACH * most))
        return false; /* those who wait have it still */
    w->fn = fn;
    w->arg = arg;
    w->quota = q;
    q->waiting++;
    if (w->again)
        TAILQ_INSERT_HEAD(&q->waiters, w, link);
    else
        TAILQ_INSERT_TAIL(&q->waiters, w, link);
    return true;
}

void quota_forget(struct waiter *w)
{
    struct quota *q = w->quota;

    if (!q)
        return;
    take_off(w);
    free_if_unused(q);
}
