/* SPDX-License-Identifier: Apache-2.0
 *
 * What conn_read() takes at once, and what is left that no socket announces.
 */
#include "net/conn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/ssl.h>

#include "net/tls.h"
#include "t/lib/one_world.h"

static void test_pending(void **state)
{
    struct pair p = world_open(&w, 0);
    char heard[200], wire[512];
    size_t len;

    (void)state;
    assert_int_equal(CONN_SOME,
                     conn_write(&p.client, &(struct span){heard, sizeof heard}, 1, &len));
    assert_int_equal(CONN_SOME, conn_read(&p.server, heard, 50, &len));
    assert_true(conn_has_pending(&p.server));
    assert_int_equal(CONN_SOME, conn_read(&p.server, heard, 150, &len));
    assert_int_equal(CONN_LATER, conn_read(&p.server, heard, 150, &len));
    assert_false(conn_has_pending(&p.server));

    /* Two records and a half: the half is nothing that could be read. */
    for (int i = 0; i < 3; i++)
        assert_int_equal(CONN_SOME, conn_write(&p.client, &SPAN("NOOP\r\n"), 1, &len));
    ssize_t n = recv(p.server.fd, wire, sizeof wire, 0);

    assert_int_equal(3 * 28, n);
    assert_int_equal(70, write(p.client.fd, wire, 70));
    assert_int_equal(CONN_SOME, conn_read(&p.server, heard, 6, &len));
    assert_int_equal(6, len);
    assert_true(conn_has_pending(&p.server));
    assert_int_equal(CONN_SOME, conn_read(&p.server, heard, sizeof heard, &len));
    assert_int_equal(6, len);
    assert_false(conn_has_pending(&p.server));
    assert_int_equal(CONN_LATER, conn_read(&p.server, heard, sizeof heard, &len));
    assert_false(conn_has_pending(&p.server));
    assert_int_equal(14, write(p.client.fd, wire + 70, 14));
    assert_int_equal(CONN_SOME, conn_read(&p.server, heard, sizeof heard, &len));
    assert_int_equal(6, len);
    pair_close(&p);
}

/* What came together is read together; but not too many at once, for they may be small. */
static void test_records_together(void **state)
{
    struct pair p = world_open(&w, 0);
    char heard[200];
    size_t len;

    (void)state;
    for (int i = 0; i < TLS_TOGETHER + 1; i++)
        assert_int_equal(CONN_SOME, conn_write(&p.client, &SPAN("NOOP\r\n"), 1, &len));
    assert_int_equal(CONN_SOME, conn_read(&p.server, heard, sizeof heard, &len));
    assert_int_equal(6 * TLS_TOGETHER, len);
    assert_true(conn_has_pending(&p.server));
    assert_false(conn_is_drained(&p.server, CONN_SOME));
    assert_int_equal(CONN_SOME, conn_read(&p.server, heard, sizeof heard, &len));
    assert_int_equal(6, len);
    assert_true(conn_is_drained(&p.server, CONN_SOME));
    pair_close(&p);
}

/* Behind four of the largest the socket is asked again, as it had more. */
static void test_large_records_together(void **state)
{
    enum { RECORDS = TLS_AHEAD + 2 };
    static char data[RECORDS * TLS_RECORD], heard[sizeof data + 1];
    struct pair p = world_open(&w, 0);
    size_t len;

    (void)state;
    memset(data, 'x', sizeof data);
    assert_int_equal(CONN_SOME, conn_write(&p.client, &(struct span){data, sizeof data}, 1, &len));
    assert_int_equal(sizeof data, len);
    assert_int_equal(CONN_SOME, conn_read(&p.server, heard, sizeof heard, &len));
    assert_int_equal(sizeof data, len);
    assert_memory_equal(data, heard, sizeof data);
    assert_true(conn_is_drained(&p.server, CONN_SOME));
    pair_close(&p);
}

/* An end that came together with the last bytes: no socket announces that any more. */
static void test_end_behind_bytes(void **state)
{
    static const struct {
        const char *wire;
        size_t len;
        enum conn_got then;
    } cases[] = {
        {"", 0, CONN_OVER}, /* close_notify */
        {"\x17\x03\x03\x00\x11\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10",
         22, CONN_FAILED}, /* a record that is none of theirs */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct pair p = world_open(&w, 0);
        char heard[200];
        size_t len;

        assert_int_equal(CONN_SOME, conn_write(&p.client, &SPAN("NOOP\r\n"), 1, &len));
        if (cases[i].len == 0)
            (void)SSL_shutdown(p.client.tls);
        else
            assert_int_equal(cases[i].len, write(p.client.fd, cases[i].wire, cases[i].len));
        assert_int_equal(CONN_SOME, conn_read(&p.server, heard, sizeof heard, &len));
        assert_int_equal(6, len);
        assert_true(conn_has_pending(&p.server));
        assert_false(conn_is_drained(&p.server, CONN_SOME));
        assert_int_equal(cases[i].then, conn_read(&p.server, heard, sizeof heard, &len));
        assert_int_equal(0, len);
        assert_false(conn_has_pending(&p.server));
        pair_close(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pending),
        cmocka_unit_test(test_records_together),
        cmocka_unit_test(test_large_records_together),
        cmocka_unit_test(test_end_behind_bytes),
    };

    return cmocka_run_group_tests(tests, world_set_up, world_tear_down);
}
