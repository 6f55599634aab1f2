/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections that read ahead and say things late: what comes through is the same.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "t/lib/one_world.h"
#include "unit.h"

static void expect(struct conn *c, const char *want)
{
    char heard[256];
    size_t len = 0;

    assert_int_equal(conn_read(c, heard, sizeof heard, &len), *want ? CONN_SOME : CONN_LATER);
    assert_int_equal(len, strlen(want));
    assert_memory_equal(heard, want, len);
}

static void say(struct conn *c, const char *what)
{
    struct span s = span_of(what);
    size_t len;

    assert_int_equal(conn_write(c, &s, 1, &len), CONN_SOME);
    assert_int_equal(len, s.len);
}

/* In the clear and by TLS. */
static struct pair open_one(bool secure)
{
    return secure ? world_open(&w, 0) : pair_open(0);
}

static void corked_it_says_nothing(void **state)
{
    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        struct pair p = open_one(secure);

        conn_cork(&p.server);
        say(&p.server, "250 a\r\n");
        say(&p.server, "250 b\r\n");
        expect(&p.client, "");
        assert_false(conn_owes(&p.server));
        assert_int_equal(conn_uncork(&p.server), CONN_SOME);
        if (secure) {
            char heard[64];
            size_t len = 0, more = 0;

            assert_int_equal(conn_read(&p.client, heard, sizeof heard, &len), CONN_SOME);
            if (len < 14)
                assert_int_equal(conn_read(&p.client, heard + len, sizeof heard - len, &more),
                                 CONN_SOME);
            assert_int_equal(len + more, 14);
            assert_memory_equal(heard, "250 a\r\n250 b\r\n", 14);
        } else {
            expect(&p.client, "250 a\r\n250 b\r\n");
        }
        say(&p.server, "250 c\r\n");
        expect(&p.client, "250 c\r\n");
        assert_int_equal(conn_uncork(&p.server), CONN_SOME); /* of none */
        pair_close(&p);
    }
}

static void what_was_read_ahead_is_read(void **state)
{
    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        struct pair p = open_one(secure);

        conn_fetch(&p.server);
        assert_false(conn_has_pending(&p.server));
        say(&p.client, "EHLO a\r\n");
        assert_false(conn_has_pending(&p.server));
        conn_fetch(&p.server);
        assert_true(conn_has_pending(&p.server));
        expect(&p.server, "EHLO a\r\n");
        expect(&p.server, "");
        assert_false(conn_has_pending(&p.server));
        pair_close(&p);
    }
}

/* What a client sends behind STARTTLS, its hello above all, was read ahead in the clear. */
static void a_hello_that_was_read_ahead_begins_tls(void **state)
{
    struct pair p = pair_open(0);

    (void)state;
    say(&p.client, "STARTTLS\r\n");
    assert_int_equal(conn_connect_tls(&p.client, w.client, "mx.example", NULL), CONN_LATER);
    conn_fetch(&p.server);

    char heard[10];
    size_t len;

    assert_int_equal(conn_read(&p.server, heard, sizeof heard, &len), CONN_SOME);
    assert_int_equal(len, sizeof heard);
    assert_true(conn_has_pending(&p.server));
    pair_shake(&p, w.client, w.server, "mx.example", NULL);
    assert_int_equal(p.client_got, CONN_SOME);
    assert_int_equal(p.server_got, CONN_SOME);
    pair_talk(&p);
    pair_close(&p);
}

/* And what is no hello is no handshake, as if it were still in the socket. */
static void words_that_were_read_ahead_are_not_a_hello(void **state)
{
    struct pair p = pair_open(0);

    (void)state;
    say(&p.client, "STARTTLS\r\nMAIL FROM:<a@b.example>\r\n");
    conn_fetch(&p.server);

    char heard[10];
    size_t len;

    assert_int_equal(conn_read(&p.server, heard, sizeof heard, &len), CONN_SOME);
    assert_int_equal(conn_accept_tls(&p.server, w.server, NULL), CONN_FAILED);
    pair_close(&p);
}

static void ends_say_what_waited(void **state)
{
    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        for (int way = 0; way < 2; way++) {
            struct pair p = open_one(secure);
            char heard[16];
            size_t len;

            conn_cork(&p.server);
            say(&p.server, "221 bye\r\n");
            (way ? conn_finish : conn_clear)(&p.server);
            expect(&p.client, "221 bye\r\n");
            assert_int_equal(conn_read(&p.client, heard, sizeof heard, &len), CONN_OVER);
            pair_close(&p);
        }
    }
}

static size_t fill(struct conn *c)
{
    static const char much[65536];
    size_t len, all = 0;

    while (conn_write(c, &(struct span){much, sizeof much}, 1, &len) == CONN_SOME)
        all += len;
    while (conn_write(c, &(struct span){much, 1}, 1, &len) == CONN_SOME)
        all += len;
    return all;
}

static void what_does_not_go_is_owed(void **state)
{
    struct pair p = pair_open(0);
    static char heard[65536];
    size_t len, all = 0, filled = fill(&p.server);

    (void)state;
    conn_cork(&p.server);
    say(&p.server, "250 a\r\n");
    assert_int_equal(conn_uncork(&p.server), CONN_LATER);
    assert_int_equal(p.server.needs, CONN_OUT);
    assert_true(conn_owes(&p.server));
    assert_int_equal(conn_write(&p.server, &SPAN("250 b\r\n"), 1, &len), CONN_LATER);
    assert_int_equal(len, 0);
    while (conn_read(&p.client, heard, sizeof heard, &len) == CONN_SOME)
        all += len;
    assert_int_equal(all, filled);
    assert_int_equal(conn_write(&p.server, NULL, 0, &len), CONN_SOME);
    assert_false(conn_owes(&p.server));
    expect(&p.client, "250 a\r\n");
    say(&p.server, "250 b\r\n");
    expect(&p.client, "250 b\r\n");
    pair_close(&p);
}

/* A server that refuses, and goes, before what waits has gone: its word is heard, though it was
 * read ahead. */
static void words_before_a_fault_are_heard(void **state)
{
    (void)state;
    for (int secure = 0; secure < 2; secure++) {
        struct pair p = open_one(secure);
        char heard[64];
        size_t len;

        say(&p.server, "421 go\r\n");
        conn_cork(&p.client);
        say(&p.client, "MAIL FROM:<a@b.example>\r\n");
        conn_fetch(&p.client);
        shutdown(p.client.fd, SHUT_WR);
        assert_int_equal(conn_uncork(&p.client), CONN_FAILED);
        assert_string_equal(p.client.why, "Broken pipe");
        assert_true(conn_owes(&p.client)); /* so that who writes hears of it */
        assert_int_equal(conn_write(&p.client, NULL, 0, &len), CONN_FAILED);
        assert_int_equal(conn_read(&p.client, heard, sizeof heard, &len), CONN_FAILED);
        assert_int_equal(conn_read_rest(&p.client, heard, sizeof heard), 8);
        assert_memory_equal(heard, "421 go\r\n", 8);
        pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corked_it_says_nothing),
        cmocka_unit_test(what_was_read_ahead_is_read),
        cmocka_unit_test(a_hello_that_was_read_ahead_begins_tls),
        cmocka_unit_test(words_that_were_read_ahead_are_not_a_hello),
        cmocka_unit_test(ends_say_what_waited),
        cmocka_unit_test(what_does_not_go_is_owed),
        cmocka_unit_test(words_before_a_fault_are_heard),
    };

    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
