/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include "base/buf.h"
#include "behind/probing.h"

#define HI "220 a.test ESMTP\r\n"
#define EHLO "250-a.test at your service\r\n250-AUTH PLAIN\r\n250 PIPELINING\r\n"
#define XEHLO "250-a.test\r\n250-XCLIENT NAME ADDR PORT\r\n250 STARTTLS\r\n"
#define OK "250 2.0.0 Ok\r\n"
#define NO "554 5.7.1 Relay access denied\r\n"
#define MAIL HI EHLO OK

/* clang-format off */
static const struct {
    const char *name;
    enum identity identity;
    const char *said; /* all of it */
    enum verdict verdict; /* VERDICT_COUNT: it goes on */
    const char *asked; /* the last line that it asked */
} talks[] = {
    {"all forms are refused", IDENTITY_NONE, MAIL NO NO NO NO NO NO, VERDICT_SAFE, "RCPT TO:<relay-test.invalid!probe@a.test>"},
    {"the first only is not enough", IDENTITY_NONE, MAIL NO NO, VERDICT_COUNT, "RCPT TO:<probe%relay-test.invalid@a.test>"},
    {"no such users here", IDENTITY_NONE, MAIL NO "550 5.1.1 Nobody\r\n" "550 5.1.1 Unknown user\r\n" "501 5.1.3 Syntax\r\n" "550 5.1.1 No\r\n" "550 No\r\n", VERDICT_SAFE, "RCPT TO:<relay-test.invalid!probe@a.test>"},
    {"an open relay", IDENTITY_NONE, MAIL OK, VERDICT_RELAYS, "RCPT TO:<probe@relay-test.invalid>"},
    {"one for %", IDENTITY_NONE, MAIL NO NO OK, VERDICT_RELAYS_ROUTE, "RCPT TO:<probe%relay-test.invalid@a.test>"},
    {"one for a quoted @", IDENTITY_NONE, MAIL NO NO NO OK, VERDICT_RELAYS_ROUTE, "RCPT TO:<\"probe@relay-test.invalid\"@a.test>"},
    {"one for routes", IDENTITY_NONE, MAIL NO NO NO NO OK, VERDICT_RELAYS_ROUTE, "RCPT TO:<@a.test:probe@relay-test.invalid>"},
    {"one for !", IDENTITY_NONE, MAIL NO NO NO NO NO OK, VERDICT_RELAYS_ROUTE, "RCPT TO:<relay-test.invalid!probe@a.test>"},
    {"greylisted behind the relay check", IDENTITY_NONE, MAIL NO NO "450 4.2.0 Greylisted\r\n", VERDICT_NOT_SHOWN, "RCPT TO:<probe%relay-test.invalid@a.test>"},
    {"anybody may have mail there", IDENTITY_NONE, MAIL NO OK OK OK NO OK, VERDICT_SAFE, "RCPT TO:<relay-test.invalid!probe@a.test>"},
    {"but routes go elsewhere", IDENTITY_NONE, MAIL NO OK OK OK OK, VERDICT_RELAYS_ROUTE, "RCPT TO:<@a.test:probe@relay-test.invalid>"},
    {"anybody there is greylisted", IDENTITY_NONE, MAIL NO "450 4.2.0 A\r\n" "450 4.2.0 A\r\n" "450 4.2.0 A\r\n" NO "450 4.2.0 A\r\n", VERDICT_SAFE, "RCPT TO:<relay-test.invalid!probe@a.test>"},
    {"greylisted, but not with %", IDENTITY_NONE, MAIL NO "450 4.2.0 A\r\n" OK, VERDICT_RELAYS_ROUTE, "RCPT TO:<probe%relay-test.invalid@a.test>"},
    {"anybody, but not with %", IDENTITY_NONE, MAIL NO OK "450 4.2.0 A\r\n", VERDICT_NOT_SHOWN, "RCPT TO:<probe%relay-test.invalid@a.test>"},
    {"enough after the first", IDENTITY_NONE, MAIL NO "421 4.3.2 Busy\r\n", VERDICT_NOT_SHOWN, "RCPT TO:<nobody-for-relay-test@a.test>"},
    {"enough with %", IDENTITY_NONE, MAIL NO "450 4.2.0 A\r\n" "421 4.3.2 Busy\r\n", VERDICT_NOT_SHOWN, "RCPT TO:<probe%relay-test.invalid@a.test>"},
    {"greylisted before it", IDENTITY_NONE, MAIL "450 4.2.0 Greylisted\r\n" OK OK "450 4.2.0 Greylisted\r\n", VERDICT_NOT_SHOWN, "RCPT TO:<probe@relay-test.invalid>"},
    {"our name is not to its liking", IDENTITY_NONE, MAIL "550 5.1.8 Sender address rejected\r\n" OK OK NO NO, VERDICT_COUNT, "RCPT TO:<probe%relay-test.invalid@a.test>"},
    {"not after MAIL either", IDENTITY_NONE, HI EHLO "550 5.1.8 No\r\n" OK NO NO, VERDICT_COUNT, "RCPT TO:<probe%relay-test.invalid@a.test>"},
    {"and neither is nobody's", IDENTITY_NONE, HI EHLO "550 5.1.8 No\r\n" "550 5.1.8 No\r\n", VERDICT_NO_MAIL, "MAIL FROM:<>"},
    {"not even RSET", IDENTITY_NONE, MAIL "550 5.1.8 No\r\n" "502 What\r\n", VERDICT_NO_MAIL, "RSET"},
    {"login first", IDENTITY_NONE, HI EHLO "530 5.7.0 Authentication required\r\n", VERDICT_SAFE, "MAIL FROM:<probe@proxy.test>"},
    {"too busy at MAIL", IDENTITY_NONE, HI EHLO "421 4.3.2 Busy\r\n", VERDICT_NO_MAIL, "MAIL FROM:<probe@proxy.test>"},
    {"too busy at RCPT", IDENTITY_NONE, MAIL "421 4.3.2 Busy\r\n", VERDICT_NOT_SHOWN, "RCPT TO:<probe@relay-test.invalid>"},
    {"a name that is none", IDENTITY_NONE, HI "250 [10.0.0.1]\r\n" OK NO NO, VERDICT_COUNT, "RCPT TO:<probe%relay-test.invalid@proxy.test>"},
    {"no EHLO", IDENTITY_NONE, HI "502 What\r\n", VERDICT_NO_EHLO, "EHLO proxy.test"},
    {"no service", IDENTITY_NONE, "554 a\r\n", VERDICT_TURNED_AWAY, NULL},
    {"no SMTP", IDENTITY_NONE, "+OK POP3\r\n", VERDICT_FOREIGN, NULL},
    {"another 2xx as greeting", IDENTITY_NONE, "250 a\r\n", VERDICT_FOREIGN, NULL},
    {"nothing yet", IDENTITY_NONE, "220 a\r\n250-a\r\n", VERDICT_COUNT, "EHLO proxy.test"},
    {"a header that is taken", IDENTITY_PROXY_V1, MAIL NO NO NO NO NO NO, VERDICT_SAFE, "RCPT TO:<relay-test.invalid!probe@a.test>"},
    {"a header that is garbage", IDENTITY_PROXY_V1, HI "502 5.5.2 Error: command not recognized\r\n" EHLO, VERDICT_NOT_TAKEN, "EHLO proxy.test"},
    {"a header that is QUIT", IDENTITY_PROXY_V2, HI "500 5.5.2 Error: bad syntax\r\n" "221 Bye\r\n", VERDICT_NOT_TAKEN, "EHLO proxy.test"},
    {"XCLIENT", IDENTITY_XCLIENT, HI XEHLO "220 a.test\r\n" EHLO OK NO NO NO NO NO NO, VERDICT_SAFE, "RCPT TO:<relay-test.invalid!probe@a.test>"},
    {"no XCLIENT", IDENTITY_XCLIENT, HI EHLO, VERDICT_NOT_TAKEN, "EHLO proxy.test"},
    {"XCLIENT from others only", IDENTITY_XCLIENT, HI XEHLO "550 5.7.0 insufficient authorization\r\n", VERDICT_NOT_TAKEN, NULL},
    {"no EHLO behind XCLIENT", IDENTITY_XCLIENT, HI XEHLO "220 a.test\r\n" "502 No\r\n", VERDICT_NOT_TAKEN, "EHLO proxy.test"},
};
/* clang-format on */

static struct guest guest(enum identity identity)
{
    struct guest g = {.identity = identity, .helo = "proxy.test", .extended = true, .session = ""};

    assert_true(addr_read_port(SPAN("192.0.2.1:25000"), &g.client));
    assert_true(addr_read_port(SPAN("192.0.2.25:25"), &g.listener));
    return g;
}

/* Is this the last that it has to say? A header before it may have any bytes. */
static bool has_asked(struct probing *p, const char *line)
{
    struct span out = buf_peek(&p->dial.out);
    size_t len = strlen(line) + 2;

    return out.len >= len && !memcmp(out.at + out.len - len, line, len - 2) &&
           !memcmp(out.at + out.len - 2, "\r\n", 2);
}

/* Whole, and cut at every byte. */
static void judges(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(talks); i++)
        for (size_t cut = 0; cut <= strlen(talks[i].said); cut++) {
            const struct guest who = guest(talks[i].identity);
            struct span rest = span_after(span_of(talks[i].said), cut);
            struct probing p;
            bool goes_on;

            assert_true(probing_init(&p, &who));
            assert_true(dial_feed(&p.dial, (struct span){talks[i].said, cut}));
            goes_on = probing_goes_on(&p);
            if (goes_on) {
                assert_true(dial_feed(&p.dial, rest));
                goes_on = probing_goes_on(&p);
            }
            assert_row(goes_on == (talks[i].verdict == VERDICT_COUNT), talks[i].name);
            assert_row(goes_on || p.found.verdict == talks[i].verdict, talks[i].name);
            assert_row(!talks[i].asked || has_asked(&p, talks[i].asked), talks[i].name);
            probing_clear(&p);
        }
}

static void notes_what_it_offers(void **state)
{
    const struct guest who = guest(IDENTITY_XCLIENT);
    struct probing p;

    (void)state;
    assert_true(probing_init(&p, &who));
    assert_true(dial_feed(&p.dial, SPAN("220 a ESMTP Postfix\r\n" XEHLO "220 a.test\r\n")));
    assert_true(probing_goes_on(&p));
    assert_true(p.found.is_postfix && p.found.greeted && !p.found.taken);
    assert_true(dial_feed(&p.dial, SPAN(EHLO)));
    assert_true(probing_goes_on(&p));
    assert_true(p.found.taken && p.found.has_auth && !p.found.has_starttls);
    assert_string_equal(p.found.name, "a.test");
    probing_clear(&p);
}

static void notes_that_it_has_starttls(void **state)
{
    const struct guest who = guest(IDENTITY_NONE);
    struct probing p;

    (void)state;
    assert_true(probing_init(&p, &who));
    assert_true(dial_feed(&p.dial, SPAN(HI)));
    assert_true(probing_goes_on(&p));
    assert_true(dial_feed(&p.dial, SPAN("250-a.test\r\n250 STARTTLS\r\n")));
    assert_true(probing_goes_on(&p));
    assert_true(p.found.has_starttls && !p.found.has_auth);
    probing_clear(&p);
}

/* The reason for which the first form was refused is what is told. */
static void says_why(void **state)
{
    const struct guest who = guest(IDENTITY_NONE);
    struct probing p;

    (void)state;
    assert_true(probing_init(&p, &who));
    assert_true(dial_feed(&p.dial, SPAN(MAIL NO "550 5.1.1 No\r\n550 5.1.1 No\r\n550 5.1.1 No\r\n"
                                                "550 5.1.1 No\r\n550 5.1.1 No\r\n")));
    assert_false(probing_goes_on(&p));
    assert_string_equal(p.found.said, "554 5.7.1 Relay access denied");
    assert_false(p.found.takes_anybody);
    probing_clear(&p);
}

static void has_words(void **state)
{
    (void)state;
    for (int v = 0; v < VERDICT_COUNT; v++) {
        assert_true(*verdict_what((enum verdict)v));
        assert_true(*verdict_remedy((enum verdict)v, IDENTITY_PROXY_V2));
    }
    assert_non_null(strstr(verdict_remedy(VERDICT_NOT_TAKEN, IDENTITY_XCLIENT), "XCLIENT"));
    assert_non_null(strstr(verdict_remedy(VERDICT_UNREACHED, IDENTITY_TRANSPARENT), "routing"));
    assert_non_null(strstr(verdict_remedy(VERDICT_NO_GREETING, IDENTITY_NONE), "proxy-v2"));
    assert_non_null(strstr(verdict_remedy(VERDICT_NO_GREETING, IDENTITY_PROXY_V1), "haproxy"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judges),
        cmocka_unit_test(notes_what_it_offers),
        cmocka_unit_test(notes_that_it_has_starttls),
        cmocka_unit_test(says_why),
        cmocka_unit_test(has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
