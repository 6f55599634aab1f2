/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include "behind/intro.h"

/* Who calls itself "helo..." has not said EHLO. */
static struct guest guest(const char *client, const char *helo)
{
    struct guest g = {
        .identity = IDENTITY_XCLIENT, .helo = helo, .extended = strncmp(helo, "helo.", 5) != 0};
    struct span rest = span_of(client);

    if (strcmp(client, "192.0.2.7:0") == 0) /* which is no address with a port */
        assert_true(addr_read(span_cut(&rest, ':'), &g.client));
    else
        assert_true(addr_read_port(rest, &g.client));
    assert_true(addr_read_port(SPAN("192.0.2.1:587"), &g.listener));
    return g;
}

/* clang-format off */
static const struct {
    const char *name, *client, *helo, *offered, *line; /* line NULL: refused */
} lines[] = {
    {"all that Postfix lists", "192.0.2.7:4321", "c.example", "NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT",
     "XCLIENT NAME=[UNAVAILABLE] REVERSE_NAME=[UNAVAILABLE] PROTO=ESMTP HELO=c.example PORT=4321 DESTADDR=192.0.2.1 DESTPORT=587 ADDR=192.0.2.7\r\n"},
    {"IPv6, and ADDR alone", "[2001:db8::7]:4321", "c.example", "ADDR", "XCLIENT ADDR=IPV6:2001:db8::7\r\n"},
    {"HELO", "192.0.2.7:1", "helo.example", "PROTO ADDR", "XCLIENT PROTO=SMTP ADDR=192.0.2.7\r\n"},
    {"small letters", "192.0.2.7:1", "c", "addr port", "XCLIENT PORT=1 ADDR=192.0.2.7\r\n"},
    {"a name that could be attributes", "192.0.2.7:1", "a ADDR=10.0.0.1+x", "HELO ADDR", "XCLIENT HELO=a+20ADDR+3D10.0.0.1+2Bx ADDR=192.0.2.7\r\n"},
    {"never LOGIN", "192.0.2.7:1", "c", "LOGIN ADDR", "XCLIENT ADDR=192.0.2.7\r\n"},
    {"a client without a port", "192.0.2.7:0", "c", "PORT ADDR", "XCLIENT PORT=[UNAVAILABLE] ADDR=192.0.2.7\r\n"},
    {"no ADDR", "192.0.2.7:1", "c", "NAME PORT", NULL},
    {"no XCLIENT", "192.0.2.7:1", "c", "", NULL},
    {"ADDR only as a part of a word", "192.0.2.7:1", "c", "DESTADDR", NULL},
};
/* clang-format on */

static void writes_xclient(void **state)
{
    static const struct tls_facts tls = {.verify = "ok", .peer_subject = "CN=alice"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct guest g = guest(lines[i].client, lines[i].helo);
        struct buf to;

        g.tls = &tls; /* whose name is never said to be a login */
        buf_init(&to, 2048);
        bool made = intro_xclient(&to, span_of(lines[i].offered), &g);
        assert_row(made == (lines[i].line != NULL), lines[i].name);
        if (made)
            assert_span(buf_peek(&to), lines[i].line);
        buf_clear(&to);
    }
}

/* However long a name is, and all the rest: the line is one that RFC 5321 allows. */
static void keeps_to_a_line(void **state)
{
    char name[2000] = "";
    struct buf to;
    size_t longest = 0, with_name = 0;

    (void)state;
    for (size_t len = 0; len < sizeof name; name[len++] = '=') {
        struct guest g = guest("[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", name);

        g.listener = g.client;
        buf_init(&to, 2048);
        assert_true(intro_xclient(
            &to, SPAN("NAME REVERSE_NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT"), &g));
        if (buf_len(&to) > longest)
            longest = buf_len(&to);
        with_name += memmem(buf_peek(&to).at, buf_len(&to), " HELO=+3D", 9) != NULL;
        buf_clear(&to);
    }
    assert_true(longest > 400 && longest <= 512);
    assert_int_equal(99, with_name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_xclient),
        cmocka_unit_test(keeps_to_a_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
