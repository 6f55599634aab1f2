/* SPDX-License-Identifier: Apache-2.0
 *
 * PROXY headers, byte by byte.
 */
#include "net/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static struct addr at(const char *text)
{
    struct addr a;

    assert_true(addr_read_port(span_of(text), &a));
    return a;
}

static void test_v1(void **state)
{
    const struct {
        const char *client, *server, *line;
    } cases[] = {
        {"192.0.2.1:4711", "198.51.100.25:25", "PROXY TCP4 192.0.2.1 198.51.100.25 4711 25\r\n"},
        {"255.255.255.255:65535", "1.2.3.4:1", "PROXY TCP4 255.255.255.255 1.2.3.4 65535 1\r\n"},
        {"[2001:db8::1]:4711", "[2001:db8::25]:25",
         "PROXY TCP6 2001:db8::1 2001:db8::25 4711 25\r\n"},
        {"192.0.2.1:4711", "[2001:db8::25]:25",
         "PROXY TCP6 ::ffff:192.0.2.1 2001:db8::25 4711 25\r\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct addr client = at(cases[i].client), server = at(cases[i].server);
        struct buf b;

        buf_init(&b, HEAD_MAX);
        assert_true(head_make_v1(&b, &client, &server));
        struct span made = buf_peek(&b);

        if (!span_is(made, cases[i].line))
            fail_msg("%.*s", SPAN_ARG(made));
        buf_clear(&b);
    }
}

static void check_v2(const char *client_text, const char *server_text, const struct tls_facts *tls,
                     struct span id, struct span expected)
{
    struct addr client = at(client_text), server = at(server_text);
    struct buf b;

    buf_init(&b, HEAD_MAX);
    assert_true(head_make_v2(&b, &client, &server, tls, id, SPAN("")));
    struct span made = buf_peek(&b);

    assert_int_equal(expected.len, made.len);
    assert_memory_equal(expected.at, made.at, made.len);
    buf_clear(&b);
}

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define V4 "\x21\x11"
#define V6 "\x21\x21"
#define IPV4 "\xc0\x00\x02\x01\xc6\x33\x64\x19\x12\x67\x00\x19" /* 192.0.2.1, 198.51.100.25 */

static void test_v2_plain(void **state)
{
    (void)state;
    check_v2("192.0.2.1:4711", "198.51.100.25:25", NULL, SPAN(""),
             SPAN(SIGNATURE V4 "\0\x0c" IPV4));
    check_v2("192.0.2.1:4711", "198.51.100.25:25", NULL, SPAN("s1"),
             SPAN(SIGNATURE V4 "\0\x11" IPV4 "\x05\0\x02s1"));
    check_v2("[2001:db8::1]:4711", "[2001:db8::2]:25", NULL, SPAN(""),
             SPAN(SIGNATURE V6 "\0\x24"
                               "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
                               "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x67\0\x19"));
    check_v2("192.0.2.1:4711", "[2001:db8::2]:25", NULL, SPAN(""),
             SPAN(SIGNATURE V6 "\0\x24"
                               "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\x02\x01"
                               "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x02\x12\x67\0\x19"));
}

#define ID_SNI "\x05\0\x02s1\x02\0\x0amx.example"
#define VERSION_CIPHER                                            \
    "\x21\0\x07TLSv1.3\x23\0\x16TLS_AES_256_GCM_SHA384\x24\0\x11" \
    "ecdsa-with-SHA256"                                           \
    "\x25\0\x05"                                                  \
    "EC256\x26\0\x06x25519"

static void test_v2_tls(void **state)
{
    struct tls_facts f = {.protocol = "TLSv1.3",
                          .cipher = "TLS_AES_256_GCM_SHA384",
                          .verify = "none",
                          .sni = "mx.example",
                          .sig_alg = "ecdsa-with-SHA256",
                          .key_alg = "EC256",
                          .group = "x25519"};
    const char *client = "192.0.2.1:4711", *server = "198.51.100.25:25";

    (void)state;
    check_v2(client, server, &f, SPAN("s1"),
             SPAN(SIGNATURE V4 "\0\x6e" IPV4 ID_SNI "\x20\0\x4d\x01\0\0\0\x01" VERSION_CIPHER));

    /* A certificate that proves nothing: its name is nobody's. */
    memcpy(f.peer_subject, "CN=Ada", 7);
    memcpy(f.peer_fingerprint, "00", 3);
    memcpy(f.verify, "self", 5);
    check_v2(client, server, &f, SPAN("s1"),
             SPAN(SIGNATURE V4 "\0\x6e" IPV4 ID_SNI "\x20\0\x4d\x07\0\0\0\x01" VERSION_CIPHER));
    memcpy(f.verify, "ok", 3);
    check_v2(client, server, &f, SPAN("s1"),
             SPAN(SIGNATURE V4 "\0\x74" IPV4 ID_SNI "\x20\0\x53\x07\0\0\0\0" VERSION_CIPHER
                               "\x22\0\x03"
                               "Ada"));
    f.resumed = true; /* the certificate came in an earlier connection */
    check_v2(client, server, &f, SPAN("s1"),
             SPAN(SIGNATURE V4 "\0\x74" IPV4 ID_SNI "\x20\0\x53\x05\0\0\0\0" VERSION_CIPHER
                               "\x22\0\x03"
                               "Ada"));
}

/* What a load balancer said is passed on, each type once; SSL is ours where the TLS is. */
static void test_passed_on(void **state)
{
    const struct {
        const char *name;
        struct span came, id, made;
        bool tls;
    } cases[] = {
        {"unknown and known types, in their order", SPAN("\xee\0\x01x\x01\0\x02h2\x30\0\x01n"),
         SPAN("s1"), SPAN("\x05\0\x02s1\xee\0\x01x\x01\0\x02h2\x30\0\x01n"), false},
        {"its unique id stays", SPAN("\x05\0\x02lb"), SPAN("s1"), SPAN("\x05\0\x02lb"), false},
        {"one of each type", SPAN("\xee\0\x01x\xee\0\x01y"), SPAN(""), SPAN("\xee\0\x01x"), false},
        {"no sum and no padding", SPAN("\x04\0\x01 \x03\0\x04\1\1\1\1"), SPAN(""), SPAN(""), false},
        {"its SSL where we have none", SPAN("\x20\0\x05\x01\0\0\0\0"), SPAN(""),
         SPAN("\x20\0\x05\x01\0\0\0\0"), false},
        {"ours wins", SPAN("\x20\0\x05\x07\0\0\0\0"), SPAN(""),
         SPAN("\x02\0\x02us\x20\0\x0f\x01\0\0\0\x01\x21\0\x07TLSv1.3"), true},
        {"its authority stays", SPAN("\x02\0\x02lb"), SPAN(""),
         SPAN("\x20\0\x0f\x01\0\0\0\x01\x21\0\x07TLSv1.3\x02\0\x02lb"), true},
        {"what breaks off is not read", SPAN("\xee\0\x01x\xef\0\x02y"), SPAN(""),
         SPAN("\xee\0\x01x"), false},
    };
    const struct tls_facts f = {.protocol = "TLSv1.3", .verify = "none", .sni = "us"};
    struct addr client = at("192.0.2.1:4711"), server = at("198.51.100.25:25");

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct buf b;

        buf_init(&b, HEAD_MAX);
        assert_true(head_make_v2(&b, &client, &server, cases[i].tls ? &f : NULL, cases[i].id,
                                 cases[i].came));
        struct span made = span_after(buf_peek(&b), 28);

        if (made.len != cases[i].made.len || memcmp(made.at, cases[i].made.at, made.len) != 0)
            fail_msg("%s", cases[i].name);
        buf_clear(&b);
    }
}

/* However much came: the header stays below its bound, and what is ours is in it. */
static void test_too_much_passed_on(void **state)
{
    struct addr client = at("192.0.2.1:4711"), server = at("198.51.100.25:25");
    char came[4096] = "";
    size_t len = 0;
    struct buf b;

    (void)state;
    for (unsigned type = 0x40; len + 103 <= sizeof came; type++, len += 103) {
        came[len] = (char)type;
        came[len + 2] = 100;
    }
    buf_init(&b, HEAD_MAX);
    assert_true(head_make_v2(&b, &client, &server, NULL, SPAN("s1"), (struct span){came, len}));
    assert_int_equal(28 + 5 + 4 * 103, buf_len(&b));
    buf_clear(&b);
}

/* What stands behind the 20 first bytes of the SSL TLV, in a header with nothing else. */
static struct span common_name(struct buf *b, const struct tls_facts *f)
{
    struct addr client = at("192.0.2.1:4711"), server = at("198.51.100.25:25");

    assert_true(head_make_v2(b, &client, &server, f, SPAN(""), SPAN("")));
    struct span made = buf_peek(b);

    assert_true(made.len >= 28 + 8);
    assert_int_equal(0x20, made.at[28]);
    made = span_after(made, 28 + 8);
    if (made.len == 0)
        return made;
    assert_int_equal(0x22, made.at[0]);
    assert_int_equal(made.len - 3, (unsigned char)made.at[2]);
    return span_after(made, 3);
}

static void test_common_name(void **state)
{
    const struct {
        const char *subject, *name;
    } cases[] = {
        {"CN=mx.example,O=x", "mx.example"},
        {"C=DE,O=x,CN=last", "last"},
        {"CN=first,CN=second", "first"},
        {"CN=Some\\, One", "Some, One"},
        {"CN=J\\C3\\BCrgen", "J\xc3\xbcrgen"},
        {"CN=a\\\\,O=x", "a\\"},
        {"emailAddress=x+CN=multi,C=DE", "multi"},
        {"O=a\\,CN=evil,CN=good", "good"},
        {"O=a\\,CN=evil", ""},
        {"O=a\\+CN=evil", ""},
        {"O=CN=evil", ""},
        {"XCN=evil", ""},
        {"CN=a\\0Ab", ""},
        {"CN=ab\\", ""},
        {"CN=", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_facts f = {.verify = "ok", .peer_fingerprint = "00"};
        struct buf b;

        memcpy(f.peer_subject, cases[i].subject, strlen(cases[i].subject) + 1);
        buf_init(&b, HEAD_MAX);
        struct span name = common_name(&b, &f);

        if (!span_is(name, cases[i].name))
            fail_msg("%s: %.*s", cases[i].subject, SPAN_ARG(name));
        buf_clear(&b);
    }
}

/* All that a client can make long: what is no more than convenient is left out. */
static void test_longest(void **state)
{
    struct addr client = at("[2001:db8::1]:4711"), server = at("[2001:db8::2]:25");
    struct tls_facts f = {.protocol = "TLSv1.3",
                          .cipher = "TLS_AES_256_GCM_SHA384",
                          .verify = "ok",
                          .peer_fingerprint = "00"};
    struct buf b;

    (void)state;
    memset(f.sni, 'a', sizeof f.sni - 1);
    memset(f.cipher, 'c', sizeof f.cipher - 1);
    for (size_t len = 0; len < sizeof f.peer_subject - 4; len++) {
        (void)snprintf(f.peer_subject, sizeof f.peer_subject, "CN=%0*d", (int)len + 1, 0);
        buf_init(&b, HEAD_MAX);
        assert_true(
            head_make_v2(&b, &client, &server, &f, SPAN("012345678901234567890123"), SPAN("")));
        struct span made = buf_peek(&b);

        assert_true(made.len <= HEAD_MAX);
        assert_int_equal(made.len - 16,
                         (unsigned char)made.at[14] << 8 | (unsigned char)made.at[15]);
        buf_clear(&b);
    }
    buf_init(&b, 20);
    assert_false(head_make_v2(&b, &client, &server, NULL, SPAN(""), SPAN("")));
    assert_false(head_make_v1(&b, &client, &server));
    assert_int_equal(0, buf_len(&b));
    buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_v1),
        cmocka_unit_test(test_v2_plain),
        cmocka_unit_test(test_v2_tls),
        cmocka_unit_test(test_common_name),
        cmocka_unit_test(test_longest),
        cmocka_unit_test(test_passed_on),
        cmocka_unit_test(test_too_much_passed_on),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
