/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/reply.h"

#include "base/buf.h"
#include "unit.h"

/* clang-format off */
static const struct { const char *whole; int code; const char *status, *text, *flat, *id; } cases[] = {
    {"250 2.0.0 Ok: queued as 3F5A112410A\r\n", 250, "2.0.0", "Ok: queued as 3F5A112410A",
     "250 2.0.0 Ok: queued as 3F5A112410A", "3F5A112410A"},
    {"250 2.0.0 6ALJjMgM032503 Message accepted for delivery\r\n", 250, "2.0.0", "6ALJjMgM032503 Message accepted for delivery",
     "250 2.0.0 6ALJjMgM032503 Message accepted for delivery", "6ALJjMgM032503"},
    {"250 OK id=1xUrId-0002QH-2E\r\n", 250, "2.0.0", "OK id=1xUrId-0002QH-2E", "250 OK id=1xUrId-0002QH-2E", "1xUrId-0002QH-2E"},
    {"250 2.0.0 3f5a1124 Message accepted for delivery\r\n", 250, "2.0.0", "3f5a1124 Message accepted for delivery",
     "250 2.0.0 3f5a1124 Message accepted for delivery", "3f5a1124"},
    {"250-2.0.0 first\r\n250 2.0.0 Ok: queued as 4Wx\r\n", 250, "2.0.0", "Ok: queued as 4Wx", "250 2.0.0 first; Ok: queued as 4Wx", "4Wx"},
    {"550-5.1.1 No such user\r\n550-5.1.1 here\r\n550 5.1.1 at all\r\n", 550, "5.1.1", "at all", "550 5.1.1 No such user; here; at all", ""},
    {"550 No such user\r\n", 550, "5.0.0", "No such user", "550 No such user", ""},
    {"451\r\n", 451, "4.0.0", "", "451", ""},
    {"451 \r\n", 451, "4.0.0", "", "451", ""},
    {"550 4.1.1 another class\r\n", 550, "5.0.0", "4.1.1 another class", "550 4.1.1 another class", ""},
    {"550 5.123.456 long\r\n", 550, "5.123.456", "long", "550 5.123.456 long", ""},
    {"550 5.1234.4 too long\r\n", 550, "5.0.0", "5.1234.4 too long", "550 5.1234.4 too long", ""},
    {"550 5.1.1.1 an address\r\n", 550, "5.0.0", "5.1.1.1 an address", "550 5.1.1.1 an address", ""},
    {"550 5.1 two\r\n", 550, "5.0.0", "5.1 two", "550 5.1 two", ""},
    {"550 5.1. dot\r\n", 550, "5.0.0", "5.1. dot", "550 5.1. dot", ""},
    {"550 5.1.1. dot\r\n", 550, "5.0.0", "5.1.1. dot", "550 5.1.1. dot", ""},
    {"550 5..1 dot\r\n", 550, "5.0.0", "5..1 dot", "550 5..1 dot", ""},
    {"550 5.1.1\r\n", 550, "5.1.1", "", "550 5.1.1", ""},
    {"354 go\r\n", 354, "3.0.0", "go", "354 go", ""},
    {"550 5.7.1 a\"b,c=d\r\n", 550, "5.7.1", "a\"b,c=d", "550 5.7.1 a\"b,c=d", ""},
    {"250 2.0.0 Ok: queued as\r\n", 250, "2.0.0", "Ok: queued as", "250 2.0.0 Ok: queued as", ""},
    {"250 2.0.0 Ok: queued as a\"b\r\n", 250, "2.0.0", "Ok: queued as a\"b", "250 2.0.0 Ok: queued as a\"b", ""},
    {"250 2.0.0 = Message accepted\r\n", 250, "2.0.0", "= Message accepted", "250 2.0.0 = Message accepted", ""},
    {"550 2.0.0 Ok: queued as X\r\n", 550, "5.0.0", "2.0.0 Ok: queued as X", "550 2.0.0 Ok: queued as X", ""},
    {"", 0, "0.0.0", "", "", ""},
};
/* clang-format on */

static void replies_are_read(void **state)
{
    char flat[200], cut[200];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct span whole = span_of(cases[i].whole);
        struct reply r = reply_read(whole);

        assert_int_equal(r.code, cases[i].code);
        assert_string_equal(r.status, cases[i].status);
        assert_span(r.text, cases[i].text);
        assert_int_equal(reply_flat(flat, sizeof flat, whole), strlen(cases[i].flat));
        assert_string_equal(flat, cases[i].flat);
        assert_span(reply_queue_id(whole), cases[i].id);
        for (size_t size = 1; size <= strlen(flat); size++) {
            size_t len = reply_flat(cut, size, whole);

            assert_true(len < size);
            assert_memory_equal(cut, flat, len);
            assert_int_equal(cut[len], 0);
        }
    }
}

static void ids_are_no_longer_than_they_may(void **state)
{
    char whole[200] = "250 2.0.0 Ok: queued as ";
    size_t lead = strlen(whole);

    (void)state;
    for (size_t len = REPLY_ID_MAX - 2; len < REPLY_ID_MAX + 2; len++) {
        memset(whole + lead, 'A', len);
        memcpy(whole + lead + len, "\r\n", 3);
        assert_int_equal(reply_queue_id(span_of(whole)).len, len < REPLY_ID_MAX ? len : 0);
    }
}

static void who_said_it_is_added(void **state)
{
    static const struct {
        const char *whole, *want;
    } rows[] = {
        {"250 2.0.0 Ok\r\n", "250 2.0.0 Ok [mx 192.0.2.1]\r\n"},
        {"550-5.1.1 No\r\n550 5.1.1 such\r\n", "550-5.1.1 No\r\n550 5.1.1 such [mx 192.0.2.1]\r\n"},
        {"250\r\n", "250 [mx 192.0.2.1]\r\n"},
    };
    struct buf to;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        buf_init(&to, 100);
        assert_true(reply_append(&to, span_of(rows[i].whole), SPAN("mx 192.0.2.1")));
        assert_span(buf_peek(&to), rows[i].want);
        buf_clear(&to);
        buf_init(&to, strlen(rows[i].want) - 1);
        assert_false(reply_append(&to, span_of(rows[i].whole), SPAN("mx 192.0.2.1")));
        assert_int_equal(buf_len(&to), 0);
        buf_clear(&to);
    }
    buf_init(&to, 100);
    assert_false(reply_append(&to, SPAN(""), SPAN("mx")));
    buf_clear(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_read),
        cmocka_unit_test(ids_are_no_longer_than_they_may),
        cmocka_unit_test(who_said_it_is_added),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
