/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include "behind/intro.h"
#include "proxy-in/probe.h"

static struct guest guest(const char *client, const char *helo)
{
    struct guest g = {.identity = IDENTITY_XCLIENT, .helo = helo, .extended = true};

    assert_true(addr_read_port(span_of(client), &g.client));
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
    {"small letters", "192.0.2.7:1", "c", "addr port", "XCLIENT PORT=1 ADDR=192.0.2.7\r\n"},
    {"a name that could be attributes", "192.0.2.7:1", "a ADDR=10.0.0.1+x", "HELO ADDR", "XCLIENT HELO=a+20ADDR+3D10.0.0.1+2Bx ADDR=192.0.2.7\r\n"},
    {"no ADDR", "192.0.2.7:1", "c", "NAME PORT", NULL},
    {"no XCLIENT", "192.0.2.7:1", "c", "", NULL},
    {"ADDR only as a part of a word", "192.0.2.7:1", "c", "DESTADDR", NULL},
};

static const struct {
    const char *name, *said;
    bool ends, safe;
} answers[] = {
    {"relay refused", "220 a\r\n250 a\r\n250 a\r\n554 5.7.1 Relay access denied\r\n", true, true},
    {"relay refused for now", "220 a\r\n250-a\r\n250 PIPELINING\r\n250 a\r\n454 4.7.1 Relay access denied\r\n", true, true},
    {"no such domain, for now", "220 a\r\n250 a\r\n250 a\r\n450 4.1.2 Domain not found\r\n", true, false},
    {"no such domain", "220 a\r\n250 a\r\n250 a\r\n550 5.1.2 Domain not found\r\n", true, false},
    {"refused without a status", "220 a\r\n250 a\r\n250 a\r\n550 relay not permitted\r\n", true, true},
    {"trouble of its own", "220 a\r\n250 a\r\n250 a\r\n421 4.3.2 Too busy\r\n", true, false},
    {"an open relay", "220 a\r\n250 a\r\n250 a\r\n250 2.1.5 Ok\r\n", true, false},
    {"forwards for us (251)", "220 a\r\n250 a\r\n250 a\r\n251 Will forward\r\n", true, false},
    {"login first", "220 a\r\n250 a\r\n530 5.7.0 Authentication required\r\n", true, true},
    {"MAIL refused for another reason", "220 a\r\n250 a\r\n550 5.1.8 Sender's domain not found\r\n", true, false},
    {"no EHLO", "220 a\r\n502 What\r\n", true, false},
    {"no service", "554 a\r\n", true, false},
    {"no SMTP", "+OK POP3\r\n", true, false},
    {"nothing yet", "220 a\r\n250-a\r\n", false, false},
};
/* clang-format on */

static void writes_xclient(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        const struct guest g = guest(lines[i].client, lines[i].helo);
        struct buf to;

        buf_init(&to, 2048);
        bool made = intro_xclient(&to, span_of(lines[i].offered), &g);
        assert_row(made == (lines[i].line != NULL), lines[i].name);
        if (made)
            assert_span(buf_peek(&to), lines[i].line);
        buf_clear(&to);
    }
}

/* A name of any length is cut, not sent past what a line may hold. */
static void cuts_long_names(void **state)
{
    char name[2000];
    struct buf to;

    (void)state;
    memset(name, '=', sizeof name - 1);
    name[sizeof name - 1] = '\0';

    const struct guest g = guest("192.0.2.7:1", name);

    buf_init(&to, 2048);
    assert_true(intro_xclient(&to, SPAN("HELO ADDR"), &g));
    assert_true(buf_len(&to) < 1024);
    buf_clear(&to);
}

/* Whole, and cut at every byte. */
static void judges_a_probe(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(answers); i++)
        for (size_t cut = 0; cut <= strlen(answers[i].said); cut++) {
            struct span rest = span_after(span_of(answers[i].said), cut);
            struct probing p;
            bool goes_on;

            probing_init(&p);
            assert_true(dial_feed(&p.dial, (struct span){answers[i].said, cut}));
            goes_on = probing_goes_on(&p, "proxy.example");
            assert_true(dial_feed(&p.dial, rest));
            goes_on = probing_goes_on(&p, "proxy.example");
            assert_row(goes_on != answers[i].ends, answers[i].name);
            assert_row(p.safe == answers[i].safe, answers[i].name);
            probing_clear(&p);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_xclient),
        cmocka_unit_test(cuts_long_names),
        cmocka_unit_test(judges_a_probe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
