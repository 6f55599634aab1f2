/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/kept/pool.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "net/loop.h"
#include "t/lib/pooled.h"
#include "unit.h"

static const struct domain one = {.max_smtp_out = 1, .connection_idle_timeout = 60};

/* Who wants a place for b.test, where there may be one. */
struct wants {
    struct pool *pool;
    struct waiter waiter;
    struct quota *place;
    struct upstream *got;
    unsigned tries;
};

static void try(void *arg)
{
    struct wants *w = arg;

    w->tries++;
    if ((w->got = pool_take(w->pool, "key", "b.test", &one)))
        return;
    if (!(w->place = quota_enter(pool_quotas(w->pool), "b.test", 1)))
        assert_true(quota_wait(pool_quotas(w->pool), "b.test", 1, &w->waiter, try, w));
}

static int keep(struct pool *p, struct event_base *base, const char *domain)
{
    struct upstream *up;
    int far = pooled_make(base, p, domain, &up);

    pool_keep(p, up, UPSTREAM_READY, &one);
    return far;
}

/* Each is called when a place becomes free, and not to find out that none has. */
static void waiters_rest(void **state)
{
    struct event_base *base = event_base_new();
    struct pool *p = pool_new(base, 1000);
    struct quota *busy = quota_enter(pool_quotas(p), "b.test", 1);
    struct wants w[3] = {{.pool = p}, {.pool = p}, {.pool = p}};
    unsigned sum = 0;

    (void)state;
    assert_non_null(busy);
    for (size_t i = 0; i < COUNT_OF(w); i++)
        try(&w[i]);
    pooled_turn(base);
    for (size_t i = 0; i < COUNT_OF(w); i++)
        assert_int_equal(1, w[i].tries);
    quota_leave(busy);
    pooled_turn(base);
    assert_non_null(w[0].place);
    for (size_t i = 0; i < COUNT_OF(w); i++)
        sum += w[i].tries;
    assert_int_equal(4, sum); /* the place is for one */
    quota_leave(w[0].place);
    pooled_turn(base);
    assert_non_null(w[1].place);
    quota_leave(w[1].place);
    pooled_turn(base);
    assert_non_null(w[2].place);
    quota_leave(w[2].place);
    pool_free(&p);
    event_base_free(base);
}

/* A connection to the same server that another domain has kept is of no use to a domain that
 * has all that it may: it stays where it is, and nobody is called for it. */
static void full_domain(void **state)
{
    struct event_base *base = event_base_new();
    struct pool *p = pool_new(base, 1000);
    struct quota *busy = quota_enter(pool_quotas(p), "b.test", 1);
    struct wants w[3] = {{.pool = p}, {.pool = p}, {.pool = p}};
    int other = keep(p, base, "a.test");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(w); i++)
        try(&w[i]);
    pooled_turn(base);
    for (size_t i = 0; i < COUNT_OF(w); i++)
        assert_int_equal(1, w[i].tries);
    assert_int_equal(1, pool_count(p));
    quota_leave(busy);
    pooled_turn(base);
    assert_non_null(w[0].got);
    assert_int_equal(0, pool_count(p));
    for (size_t i = 1; i < COUNT_OF(w); i++)
        quota_forget(&w[i].waiter);
    upstream_free(&w[0].got);
    pool_free(&p);
    event_base_free(base);
    close(other);
}

/* How often and how long one connection may be used, by the rule of who kept it and of who would
 * take it. */
static const struct {
    const char *name;
    struct domain keeper, taker;
    unsigned served; /* before it is kept */
    double age;
    bool kept, taken;
} rows[] = {
    {"no limits",
     {.connection_idle_timeout = 9},
     {.max_msg_per_connection = 0},
     1000,
     1e6,
     true,
     true},
    {"not at all",
     {.connection_idle_timeout = 0},
     {.max_msg_per_connection = 0},
     0,
     0,
     false,
     false},
    {"the last but one",
     {.connection_idle_timeout = 9, .max_msg_per_connection = 3},
     {.max_msg_per_connection = 3},
     1,
     0,
     true,
     true},
    {"the last",
     {.connection_idle_timeout = 9, .max_msg_per_connection = 3},
     {.max_msg_per_connection = 3},
     2,
     0,
     false,
     false},
    {"fewer for who would take it",
     {.connection_idle_timeout = 9},
     {.max_msg_per_connection = 3},
     2,
     0,
     true,
     false},
    {"young",
     {.connection_idle_timeout = 9, .max_connection_age = 60},
     {.max_connection_age = 60},
     0,
     59,
     true,
     true},
    {"old",
     {.connection_idle_timeout = 9, .max_connection_age = 60},
     {.max_msg_per_connection = 0},
     0,
     61,
     false,
     false},
    {"too old for who would take it",
     {.connection_idle_timeout = 9},
     {.max_connection_age = 60},
     0,
     61,
     true,
     false},
};

static void limits(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct event_base *base = event_base_new();
        struct pool *p = pool_new(base, 1000);
        struct domain taker = rows[i].taker;
        struct upstream *up;
        int far = pooled_make(base, p, "a.test", &up);
        char said[8] = "";

        taker.max_smtp_out = 1;
        up->served = rows[i].served;
        up->born -= rows[i].age;
        pool_keep(p, up, UPSTREAM_READY, &rows[i].keeper);
        assert_row((read(far, said, sizeof said) == 6) == !rows[i].kept, rows[i].name); /* QUIT */
        up = pool_take(p, "key", "a.test", &taker);
        assert_row((up != NULL) == rows[i].taken, rows[i].name);
        upstream_free(&up);
        pool_free(&p);
        event_base_free(base);
        close(far);
    }
}

/* What was made under other demands is not taken, nor is any without a key. */
static void only_its_own_key(void **state)
{
    static const char *const others[] = {"", "ke", "keys", "Key"};
    struct event_base *base = event_base_new();
    struct pool *p = pool_new(base, 1000);
    int far = keep(p, base, "a.test");
    struct upstream *up;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(others); i++)
        assert_row(!pool_take(p, others[i], "a.test", &one), others[i]);
    up = pool_take(p, "key", "a.test", &one);
    assert_non_null(up);
    up->key[0] = '\0';
    pool_keep(p, up, UPSTREAM_READY, &one);
    assert_null(pool_take(p, "", "a.test", &one));
    pool_free(&p);
    event_base_free(base);
    close(far);
}

/* Who comes later does not take what those who wait may hope for. */
static void nobody_jumps_the_queue(void **state)
{
    struct event_base *base = event_base_new();
    struct pool *p = pool_new(base, 1000);
    struct wants first = {.pool = p};
    struct upstream *busy;
    int far = pooled_make(base, p, "b.test", &busy);

    (void)state;
    try(&first);
    assert_null(first.got);
    pool_keep(p, busy, UPSTREAM_READY, &one);
    assert_null(pool_take(p, "key", "b.test", &one));
    pooled_turn(base);
    assert_non_null(first.got);
    upstream_free(&first.got);
    pool_free(&p);
    event_base_free(base);
    close(far);
}

static void take(int fd, short events, void *arg)
{
    struct wants *w = arg;

    (void)fd;
    (void)events;
    try(w);
}

/* Its server says goodbye in the same round of the loop: that is for who has it now to hear. */
static void what_was_taken_is_not_the_pools(void **state)
{
    struct event_base *base = event_base_new();
    struct pool *p = pool_new(base, 1000);
    int far = keep(p, base, "b.test");
    struct wants w = {.pool = p};
    struct event first;
    char *at;

    (void)state;
    event_assign(&first, base, -1, 0, take, &w);
    event_active(&first, 0, 0); /* before all that the sockets have */
    assert_int_equal(write(far, "421 go\r\n", 8), 8);
    close(far);
    pooled_turn(base);
    assert_non_null(w.got);
    assert_true(w.got->conn.fd >= 0);
    assert_int_equal(dial_space(&w.got->dial, &at) > 0
                         ? conn_read(&w.got->conn, at, 16, &(size_t){0})
                         : CONN_FAILED,
                     CONN_SOME);
    upstream_free(&w.got);
    pool_free(&p);
    event_base_free(base);
}

/* Where a domain has all that it may, one of its own that is idle goes for one that is needed. */
static void idle_ones_give_way(void **state)
{
    struct event_base *base = event_base_new();
    struct pool *p = pool_new(base, 1000);
    int far = keep(p, base, "b.test"), other = keep(p, base, "a.test");
    struct quota *place = quota_enter(pool_quotas(p), "b.test", 1);

    (void)state;
    assert_non_null(place);
    assert_int_equal(1, pool_count(p));
    assert_null(quota_enter(pool_quotas(p), "b.test", 1));
    assert_int_equal(1, pool_count(p));
    quota_leave(place);
    pool_free(&p);
    event_base_free(base);
    close(far);
    close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiters_rest),
        cmocka_unit_test(full_domain),
        cmocka_unit_test(limits),
        cmocka_unit_test(only_its_own_key),
        cmocka_unit_test(nobody_jumps_the_queue),
        cmocka_unit_test(what_was_taken_is_not_the_pools),
        cmocka_unit_test(idle_ones_give_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
