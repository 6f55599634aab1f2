/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/pool.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "net/loop.h"
#include "unit.h"

enum { TURNS = 20, KEEP = 60 };

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
    if ((w->got = pool_take(w->pool, "key", "b.test", 1)))
        return;
    if (!(w->place = pool_enter(w->pool, "b.test", 1)))
        pool_wait(w->pool, &w->waiter, try, w);
}

static void turn(struct event_base *base)
{
    for (unsigned i = 0; i < TURNS; i++)
        (void)event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

/* A connection that is kept under "key" for a domain; the other end comes back. */
static int keep(struct pool *p, struct event_base *base, const char *domain)
{
    struct upstream *up = upstream_new(base);
    struct heard h;
    int ends[2];

    assert_non_null(up);
    assert_int_equal(0, socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
    conn_init(&up->conn, ends[0]);
    assert_true(dial_feed(&up->dial, SPAN("220 mx\r\n")));
    assert_int_equal(1, dial_next(&up->dial, &h));
    text_copy(up->key, sizeof up->key, SPAN("key"));
    up->give_back = pool_leave;
    up->quota = pool_enter(p, domain, 1);
    assert_non_null(up->quota);
    pool_keep(p, up, false, KEEP);
    return ends[1];
}

/* Each is called when a place becomes free, and not to find out that none has. */
static void waiters_rest(void **state)
{
    struct event_base *base = event_base_new();
    struct pool *p = pool_new(base);
    struct quota *busy = pool_enter(p, "b.test", 1);
    struct wants w[3] = {{.pool = p}, {.pool = p}, {.pool = p}};
    unsigned sum = 0;

    (void)state;
    assert_non_null(busy);
    for (size_t i = 0; i < COUNT_OF(w); i++)
        try(&w[i]);
    turn(base);
    for (size_t i = 0; i < COUNT_OF(w); i++)
        assert_int_equal(1, w[i].tries);
    pool_leave(busy);
    turn(base);
    assert_non_null(w[0].place);
    for (size_t i = 0; i < COUNT_OF(w); i++)
        sum += w[i].tries;
    assert_int_equal(6, sum);
    pool_leave(w[0].place);
    turn(base);
    assert_non_null(w[1].place);
    pool_leave(w[1].place);
    turn(base);
    assert_non_null(w[2].place);
    pool_leave(w[2].place);
    pool_free(&p);
    event_base_free(base);
}

/* A connection to the same server that another domain has kept is of no use to a domain that
 * has all that it may: it stays where it is, and nobody is called for it. */
static void full_domain(void **state)
{
    struct event_base *base = event_base_new();
    struct pool *p = pool_new(base);
    struct quota *busy = pool_enter(p, "b.test", 1);
    struct wants w[3] = {{.pool = p}, {.pool = p}, {.pool = p}};
    int other = keep(p, base, "a.test");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(w); i++)
        try(&w[i]);
    turn(base);
    for (size_t i = 0; i < COUNT_OF(w); i++)
        assert_int_equal(1, w[i].tries);
    assert_int_equal(1, pool_count(p));
    pool_leave(busy);
    turn(base);
    assert_non_null(w[0].got);
    assert_int_equal(0, pool_count(p));
    for (size_t i = 1; i < COUNT_OF(w); i++)
        pool_forget(p, &w[i].waiter);
    upstream_free(&w[0].got);
    pool_free(&p);
    event_base_free(base);
    close(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiters_rest),
        cmocka_unit_test(full_domain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
