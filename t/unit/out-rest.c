/* SPDX-License-Identifier: Apache-2.0
 *
 * As out-pool.c: what a connection still has to say and to hear before it is of use again.
 */
#include "proxy-out/kept/pool.h"

#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/loop.h"
#include "t/lib/pooled.h"
#include "unit.h"

static const struct domain one = {.max_smtp_out = 1, .connection_idle_timeout = 60};

/* A connection of a pool's, and its other end, which is ours. */
struct ends {
    struct event_base *base;
    struct pool *pool;
    struct upstream *up;
    int far;
};

static struct ends begin(void)
{
    struct ends e = {.base = event_base_new()};

    e.pool = pool_new(e.base, 1000);
    e.far = pooled_make(e.base, e.pool, "a.test", &e.up);
    return e;
}

static void end(struct ends *e)
{
    upstream_free(&e->up);
    pool_free(&e->pool);
    event_base_free(e->base);
    close(e->far);
}

/* One that was left in a transaction is of use once it has said yes to RSET, and dropped at any
 * other word, or at one that nobody asked for. */
static void after_rset(void **state)
{
    static const struct {
        const char *asked, *says;
        enum upstream_is left;
        bool ready, kept;
    } said[] = {
        {"RSET\r\n", "", UPSTREAM_RESETS, false, true},
        {"RSET\r\n", "250 Ok\r\n", UPSTREAM_RESETS, true, true},
        {"RSET\r\n", "502 What?\r\n", UPSTREAM_RESETS, false, false},
        {"RSET\r\n", "421 Bye\r\n", UPSTREAM_RESETS, false, false},
        {"", "", UPSTREAM_READY, true, true},
        {"", "250 Ok\r\n", UPSTREAM_READY, false, false},
        {"", "421 Idle\r\n", UPSTREAM_READY, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        struct ends e = begin();
        char asked[8] = "";
        size_t len = strlen(said[i].says);

        pool_keep(e.pool, e.up, said[i].left, &one);
        assert_row(read(e.far, asked, sizeof asked) == (ssize_t)strlen(said[i].asked) ||
                       !said[i].asked[0],
                   said[i].says);
        assert_row(!strcmp(asked, said[i].asked), said[i].says);
        assert_row(write(e.far, said[i].says, len) == (ssize_t)len, said[i].says);
        pooled_turn(e.base);
        assert_row((pool_count(e.pool) == 1) == said[i].kept, said[i].says);
        e.up = pool_take(e.pool, "key", "a.test", &one);
        assert_row((e.up != NULL) == said[i].ready, said[i].says);
        end(&e);
    }
}

/* Half of a reply waits for the rest, but not where others read. */
static void half_a_reply_is_in_nobodys_way(void **state)
{
    struct ends e = begin();
    char *before, *now;
    struct buf other;

    (void)state;
    buf_init(&other, 100);
    assert_int_equal(100, buf_share(&other, &before));
    buf_clear(&other);
    pool_keep(e.pool, e.up, UPSTREAM_RESETS, &one);
    assert_int_equal(5, write(e.far, "250 O", 5));
    pooled_turn(e.base);
    assert_int_equal(100, buf_share(&other, &now));
    assert_ptr_equal(before, now);
    buf_clear(&other);
    assert_int_equal(3, write(e.far, "k\r\n", 3));
    pooled_turn(e.base);
    e.up = pool_take(e.pool, "key", "a.test", &one);
    assert_non_null(e.up);
    end(&e);
}

/* One that was asked for DATA when nobody was accepted: its answer comes first, and where that is
 * 354 the message is empty (RFC 2920, 3.1); then RSET as above. */
static void after_data(void **state)
{
    static const struct {
        const char *says[3], *hears[3];
        bool ready, kept;
    } said[] = {
        {{""}, {""}, false, true},
        {{"503 No\r\n"}, {"RSET\r\n"}, false, true},
        {{"503 No\r\n", "250 Ok\r\n"}, {"RSET\r\n", ""}, true, true},
        {{"354 Go\r\n", "554 No\r\n", "250 Ok\r\n"}, {".\r\n", "RSET\r\n", ""}, true, true},
        {{"354 Go\r\n", "250 Ok\r\n", "250 Ok\r\n"}, {".\r\n", "RSET\r\n", ""}, true, true},
        {{"354 Go\r\n", "354 Go\r\n", "250 Ok\r\n"}, {".\r\n", "RSET\r\n", ""}, true, true},
        {{"503 No\r\n", "502 What?\r\n"}, {"RSET\r\n", ""}, false, false},
        {{"What?\r\n"}, {""}, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        struct ends e = begin();
        char asked[8] = "";

        assert_true(dial_ask(&e.up->dial, 2, SPAN("DATA\r\n")));
        pool_keep(e.pool, e.up, UPSTREAM_REGRETS, &one);
        assert_int_equal(6, read(e.far, asked, sizeof asked));
        for (size_t k = 0; k < 3 && said[i].says[k]; k++) {
            size_t len = strlen(said[i].says[k]);
            char heard[16] = "";

            assert_row(write(e.far, said[i].says[k], len) == (ssize_t)len, said[i].says[k]);
            pooled_turn(e.base);
            (void)!read(e.far, heard, sizeof heard - 1);
            assert_string_equal(said[i].hears[k], heard);
        }
        assert_row((pool_count(e.pool) == 1) == said[i].kept, said[i].says[0]);
        e.up = pool_take(e.pool, "key", "a.test", &one);
        assert_row((e.up != NULL) == said[i].ready, said[i].says[0]);
        end(&e);
    }
}

/* One that is to be left hears QUIT when it has answered all that was asked, and goes with the
 * answer. A message that it wants now is not for it: it goes without an end of that. */
static void leaves(void **state)
{
    static const struct {
        const char *says[4], *hears[4];
        unsigned owes;
        bool kept;
    } said[] = {
        {{""}, {"QUIT\r\n"}, 0, true},
        {{"", "221 Bye\r\n"}, {"QUIT\r\n", ""}, 0, false},
        {{""}, {""}, 2, true},
        {{"503 No\r\n", "", "503 No\r\n"}, {"", "", "QUIT\r\n"}, 2, true},
        {{"503 No\r\n503 No\r\n", "221 Bye\r\n"}, {"QUIT\r\n", ""}, 2, false},
        {{"250 Ok\r\n", "354 Go\r\n"}, {"", ""}, 2, false},
        {{"250 Ok\r\n354 Go\r\n"}, {""}, 2, false},
        {{"503 No\r\n503 No\r\n503 No\r\n"}, {""}, 2, false},
        {{"What?\r\n"}, {""}, 1, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(said); i++) {
        struct ends e = begin();
        char asked[64] = "";

        for (unsigned n = said[i].owes; n > 0; n--)
            assert_true(dial_ask(&e.up->dial, n, n > 1 ? SPAN("RCPT\r\n") : SPAN("DATA\r\n")));
        pool_keep(e.pool, e.up, UPSTREAM_READY, NULL);
        e.up = NULL;
        assert_int_equal(6 * said[i].owes, said[i].owes ? read(e.far, asked, sizeof asked) : 0);
        for (size_t k = 0; k < COUNT_OF(said[i].says) && said[i].says[k]; k++) {
            size_t len = strlen(said[i].says[k]);
            char heard[16] = "";

            assert_row(write(e.far, said[i].says[k], len) == (ssize_t)len, said[i].says[k]);
            pooled_turn(e.base);
            (void)!read(e.far, heard, sizeof heard - 1);
            assert_string_equal(said[i].hears[k], heard);
        }
        assert_row((pool_count(e.pool) == 1) == said[i].kept, said[i].says[0]);
        end(&e);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_rset),
        cmocka_unit_test(half_a_reply_is_in_nobodys_way),
        cmocka_unit_test(after_data),
        cmocka_unit_test(leaves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
