/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/kept/pool.h"

#include <math.h>
#include <stdlib.h>

#include "base/clock.h"

enum { KEPT_MOST = 512, LEAVE_SECONDS = 5 };
enum { TICKET_RSET = 1 << 16, TICKET_QUIT, TICKET_DOT }; /* none of a lane's, which may be out */

struct pool {
    struct quotas *quotas; /* ours */
    struct upstream *kept; /* the last one first */
    size_t count;
};

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

/* Only those that wait can go. */
static bool spare(void *arg, const struct quota *q, bool now)
{
    struct pool *p = arg;
    struct upstream *up = p->kept;

    while (up && up->quota != q)
        up = up->next;
    if (up && now)
        drop(p, up);
    return up != NULL;
}

struct pool *pool_new(struct event_base *base, unsigned long sessions)
{
    struct pool *p = calloc(1, sizeof *p);

    if (p && !(p->quotas = quotas_new(base, sessions, spare, p))) {
        free(p);
        return NULL;
    }
    return p;
}

void pool_free(struct pool **p)
{
    if (!*p)
        return;
    while ((*p)->kept)
        drop(*p, (*p)->kept);
    quotas_free(&(*p)->quotas);
    free(*p);
    *p = NULL;
}

size_t pool_count(const struct pool *p)
{
    return p->count;
}

struct quotas *pool_quotas(const struct pool *p)
{
    return p->quotas;
}

/* It counts for the domain that uses it now. */
static bool move(struct pool *p, struct upstream *up, const char *domain, unsigned long most)
{
    struct quota *before = up->quota;

    if (quota_is_of(before, domain))
        return true;
    if (!(up->quota = quota_enter(p->quotas, domain, most))) {
        up->quota = before;
        return false;
    }
    quota_leave(before);
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
    if (!up || quota_is_awaited(p->quotas, domain) || !move(p, up, domain, rule->max_smtp_out))
        return NULL;
    take_out(p, up);
    upstream_rest(up); /* the loop may have something of it in this very round */
    alarm_stop(&up->alarm);
    return up;
}

static bool reset(struct upstream *up)
{
    up->is = UPSTREAM_RESETS;
    return dial_ask(&up->dial, TICKET_RSET, SPAN("RSET\r\n"));
}

static bool ask_quit(struct upstream *up)
{
    return dial_ask(&up->dial, TICKET_QUIT, SPAN("QUIT\r\n"));
}

/* False: it goes. Whoever leaves first hears what was asked before. A 354 among it is for a message
 * that is sent elsewhere: here it never gets an end (RFC 5321, 4.1.1.4). */
static bool take_reply(struct upstream *up, const struct heard *h)
{
    if (up->is == UPSTREAM_LEAVES)
        return h->ticket != TICKET_QUIT && h->code != 354 &&
               (dial_waits(&up->dial) > 0 || ask_quit(up));
    if (up->is == UPSTREAM_REGRETS) /* a message to nobody is an empty one (RFC 2920, 3.1) */
        return h->code == 354 && h->ticket != TICKET_DOT ? dial_end(&up->dial, TICKET_DOT)
                                                         : reset(up);
    if (h->ticket == TICKET_RSET && h->code / 100 != 2)
        return false;
    if (h->ticket == TICKET_RSET && up->is == UPSTREAM_RESETS) {
        up->is = UPSTREAM_READY;
        quota_call(up->quota);
    }
    return true;
}

/* What comes in between is only good as the answer to what was asked. */
static bool take_replies(struct upstream *up)
{
    struct heard h;
    int said;

    while ((said = dial_next(&up->dial, &h)) > 0)
        if (!take_reply(up, &h))
            return false;
    return said == 0;
}

static bool is_open(enum conn_got got)
{
    return got == CONN_SOME || got == CONN_LATER;
}

/* `open`: it has not ended, as far as was read. */
static void tend(struct upstream *up, bool open)
{
    enum conn_got got = CONN_FAILED;
    size_t moved = 0;

    if (take_replies(up) && open)
        got = upstream_push(up, &moved);
    dial_settle(&up->dial);
    if (is_open(got))
        watch_want(&up->watch, up->conn.fd,
                   conn_reads_on(&up->conn) | (got == CONN_LATER ? up->conn.needs : 0));
    else
        drop(up->pool, up);
}

static void on_kept(void *arg)
{
    struct upstream *up = arg;
    size_t moved = 0;

    tend(up, is_open(upstream_pull(up, &moved)));
}

/* What the socket has, the loop will say: to ask now is a system call for nothing. */
static void tend_held(struct upstream *up)
{
    if (conn_has_pending(&up->conn))
        on_kept(up);
    else
        tend(up, true);
}

static void say_quit(struct upstream *up)
{
    up->is = UPSTREAM_LEAVES;
    quota_call(up->quota); /* it may well be cut for another */
    alarm_set(&up->alarm, LEAVE_SECONDS);
    if (dial_waits(&up->dial) > 0 || ask_quit(up))
        on_kept(up);
    else
        drop(up->pool, up);
}

static void on_late(void *arg)
{
    struct upstream *up = arg;

    if (up->is == UPSTREAM_READY)
        say_quit(up);
    else
        drop(up->pool, up);
}

void pool_keep(struct pool *p, struct upstream *up, enum upstream_is is, const struct domain *rule)
{
    double seconds = rule ? (double)rule->connection_idle_timeout : 0, life;

    up->served++;
    life = seconds > 0 ? life_of(up, rule) : 0;
    up->next = p->kept;
    p->kept = up;
    p->count++;
    up->pool = p;
    upstream_own(up, on_kept, on_late, up);
    if (life <= 0 || p->count > KEPT_MOST) {
        say_quit(up);
        return;
    }
    up->is = is;
    alarm_set(&up->alarm, seconds < life ? seconds : life);
    if (is == UPSTREAM_RESETS && !reset(up)) {
        drop(p, up);
        return;
    }
    if (is == UPSTREAM_READY)
        quota_call(up->quota);
    tend_held(up);
}

void pool_drain(struct pool *p)
{
    struct upstream *up = p->kept;

    while (up) {
        struct upstream *next = up->next;

        if (up->is == UPSTREAM_READY)
            say_quit(up);
        else if (up->is != UPSTREAM_LEAVES) /* it may never answer */
            drop(p, up);
        up = next;
    }
}
