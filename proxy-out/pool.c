/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/pool.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"

enum { KEPT_MOST = 512, LEAVE_SECONDS = 5 };
enum { TICKET_RSET = 1, TICKET_QUIT };

/* So many connections to one domain. */
struct quota {
    LIST_ENTRY(quota) link;
    struct pool *pool;
    char domain[IDNA_NAME];
    unsigned long count;
};

struct pool {
    struct event_base *base;
    struct upstream *kept; /* the last one first */
    size_t count;
    LIST_HEAD(, quota) quotas;
    TAILQ_HEAD(, waiter) waiters;
    struct alarm wake;
};

static void wake(void *arg)
{
    struct pool *p = arg;
    TAILQ_HEAD(, waiter) now;
    struct waiter *w;

    TAILQ_INIT(&now);
    TAILQ_CONCAT(&now, &p->waiters, link);
    /* Whoever finds no place waits again, in the same order. */
    while ((w = TAILQ_FIRST(&now))) {
        TAILQ_REMOVE(&now, w, link);
        w->waits = false;
        w->fn(w->arg);
    }
}

struct pool *pool_new(struct event_base *base)
{
    struct pool *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->base = base;
    LIST_INIT(&p->quotas);
    TAILQ_INIT(&p->waiters);
    alarm_init(&p->wake, base, wake, p);
    return p;
}

static void take_out(struct pool *p, struct upstream *up)
{
    struct upstream **at = &p->kept;

    while (*at != up)
        at = &(*at)->next;
    *at = up->next;
    up->next = NULL;
    p->count--;
}

static void drop(struct pool *p, struct upstream *up)
{
    take_out(p, up);
    upstream_free(&up);
}

void pool_free(struct pool **p)
{
    if (!*p)
        return;
    while ((*p)->kept)
        drop(*p, (*p)->kept);
    alarm_stop(&(*p)->wake);
    free(*p);
    *p = NULL;
}

size_t pool_count(const struct pool *p)
{
    return p->count;
}

static struct quota *find_quota(struct pool *p, const char *domain)
{
    struct quota *q;

    LIST_FOREACH(q, &p->quotas, link)
    if (strcmp(q->domain, domain) == 0)
        return q;
    if ((q = calloc(1, sizeof *q))) {
        q->pool = p;
        text_copy(q->domain, sizeof q->domain, span_of(domain));
        LIST_INSERT_HEAD(&p->quotas, q, link);
    }
    return q;
}

/* Is there one that only waits, and can go? */
static struct upstream *find_idle(struct pool *p, const struct quota *q)
{
    struct upstream *up = p->kept;

    while (up && up->quota != q)
        up = up->next;
    return up;
}

static void count_out(struct quota *q)
{
    if (--q->count > 0)
        return;
    LIST_REMOVE(q, link);
    free(q);
}

struct quota *pool_enter(struct pool *p, const char *domain, unsigned long most)
{
    struct quota *q = find_quota(p, domain);
    struct upstream *idle;

    if (!q)
        return NULL;
    q->count++; /* so that it outlives the one that goes */
    if (q->count > most && (idle = find_idle(p, q)))
        drop(p, idle);
    if (q->count <= most)
        return q;
    count_out(q); /* there is no more room than before: nobody is to be woken */
    return NULL;
}

void pool_leave(struct quota *q)
{
    struct pool *p = q->pool;

    count_out(q);
    if (!TAILQ_EMPTY(&p->waiters))
        alarm_set(&p->wake, 0);
}

void pool_wait(struct pool *p, struct waiter *w, watch_fn *fn, void *arg)
{
    w->fn = fn;
    w->arg = arg;
    w->waits = true;
    TAILQ_INSERT_TAIL(&p->waiters, w, link);
}

void pool_forget(struct pool *p, struct waiter *w)
{
    if (w->waits)
        TAILQ_REMOVE(&p->waiters, w, link);
    w->waits = false;
}

/* It counts for the domain that uses it now. */
static bool move(struct pool *p, struct upstream *up, const char *domain, unsigned long most)
{
    struct quota *before = up->quota;

    if (strcmp(before->domain, domain) == 0)
        return true;
    if (!(up->quota = pool_enter(p, domain, most))) {
        up->quota = before;
        return false;
    }
    pool_leave(before);
    return true;
}

/* Seconds until it is too old for this rule, or has served too much for it: then 0. */
static double life_of(const struct upstream *up, const struct domain *rule)
{
    double left = (double)rule->max_connection_age - (clock_mono() - up->born);

    if (rule->max_msg_per_connection > 0 && up->served >= rule->max_msg_per_connection)
        return 0;
    if (rule->max_connection_age == 0)
        return HUGE_VAL;
    return left > 0 ? left : 0;
}

struct upstream *pool_take(struct pool *p, const char *key, const char *domain,
                           const struct domain *rule)
{
    struct upstream *up = p->kept;

    while (up && (!*key || up->is != UPSTREAM_READY || strcmp(up->key, key) != 0 ||
                  life_of(up, rule) <= 0))
        up = up->next;
    if (!up || !move(p, up, domain, rule->max_smtp_out))
        return NULL;
    take_out(p, up);
    alarm_stop(&up->alarm);
    return up;
}

/* What comes in between is only good as the answer to what was asked. */
static bool take_replies(struct upstream *up)
{
    struct heard h;
    int said;

    while ((said = dial_next(&up->dial, &h)) > 0) {
        if (h.ticket == TICKET_RSET && h.code / 100 != 2)
            return false;
        if (h.ticket == TICKET_RSET && up->is == UPSTREAM_RESETS)
            up->is = UPSTREAM_READY;
    }
    return said == 0 && (up->is != UPSTREAM_LEAVES || dial_waits(&up->dial) > 0);
}

static bool is_open(enum conn_got got)
{
    return got == CONN_SOME || got == CONN_LATER;
}

static void on_kept(void *arg)
{
    struct upstream *up = arg;
    size_t moved = 0;
    bool open = is_open(upstream_pull(up, &moved));

    if (!take_replies(up) || !open || !is_open(upstream_push(up, &moved)))
        drop(up->quota->pool, up);
    else
        watch_want(&up->watch, up->conn.fd,
                   conn_reads_on(&up->conn) | (buf_len(&up->dial.out) > 0 ? up->conn.needs : 0));
}

static void say_quit(struct upstream *up)
{
    up->is = UPSTREAM_LEAVES;
    alarm_set(&up->alarm, LEAVE_SECONDS);
    if (dial_ask(&up->dial, TICKET_QUIT, SPAN("QUIT\r\n")))
        on_kept(up);
    else
        drop(up->quota->pool, up);
}

static void on_late(void *arg)
{
    struct upstream *up = arg;

    if (up->is == UPSTREAM_READY)
        say_quit(up);
    else
        drop(up->quota->pool, up);
}

void pool_keep(struct pool *p, struct upstream *up, bool in_transaction, const struct domain *rule)
{
    double seconds = rule ? (double)rule->connection_idle_timeout : 0, life;

    up->served++;
    life = seconds > 0 ? life_of(up, rule) : 0;
    up->next = p->kept;
    p->kept = up;
    p->count++;
    upstream_own(up, on_kept, on_late, up);
    if (life <= 0 || p->count > KEPT_MOST) {
        say_quit(up);
        return;
    }
    up->is = UPSTREAM_READY;
    alarm_set(&up->alarm, seconds < life ? seconds : life);
    if (in_transaction) {
        up->is = UPSTREAM_RESETS;
        if (!dial_ask(&up->dial, TICKET_RSET, SPAN("RSET\r\n"))) {
            drop(p, up);
            return;
        }
    }
    on_kept(up);
    if (!TAILQ_EMPTY(&p->waiters))
        alarm_set(&p->wake, 0);
}

void pool_drain(struct pool *p)
{
    struct upstream *up = p->kept;

    while (up) {
        struct upstream *next = up->next;

        if (up->is == UPSTREAM_READY)
            say_quit(up);
        up = next;
    }
}
