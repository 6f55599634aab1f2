/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/ehlo.h"

#include "unit.h"

static const char postfix[] = "250-mx.example\r\n"
                              "250-PIPELINING\r\n"
                              "250-SIZE 10240000\r\n"
                              "250-ETRN\r\n"
                              "250-STARTTLS\r\n"
                              "250-AUTH PLAIN LOGIN CRAM-MD5\r\n"
                              "250-AUTH=PLAIN LOGIN CRAM-MD5\r\n"
                              "250-XCLIENT NAME ADDR\r\n"
                              "250-XFORWARD NAME ADDR\r\n"
                              "250-enhancedstatuscodes\r\n"
                              "250-8BITMIME\r\n"
                              "250-CHUNKING\r\n"
                              "250-X-FUTURE 1\r\n"
                              "250-SIZE 5\r\n"
                              "250 SMTPUTF8\r\n";

/* clang-format off */
static const struct { const char *name, *reply; struct ehlo_view view; const char *want; } views[] = {
    {"what is not in ehlo.def does not exist, nor the upstream's name", postfix,
     {"us", false, EHLO_AUTH_ALL, 0},
     "250-us\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-ETRN\r\n250-AUTH PLAIN LOGIN CRAM-MD5\r\n"
     "250-enhancedstatuscodes\r\n250-8BITMIME\r\n250-CHUNKING\r\n250 SMTPUTF8\r\n"},
    {"our own STARTTLS; AUTH that shows no secret", postfix, {"us", true, EHLO_AUTH_GUARDED, 0},
     "250-us\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-ETRN\r\n250-AUTH CRAM-MD5\r\n"
     "250-enhancedstatuscodes\r\n250-8BITMIME\r\n250-CHUNKING\r\n250-SMTPUTF8\r\n250 STARTTLS\r\n"},
    {"no AUTH", postfix, {"us", true, EHLO_AUTH_NONE, 0},
     "250-us\r\n250-PIPELINING\r\n250-SIZE 10240000\r\n250-ETRN\r\n"
     "250-enhancedstatuscodes\r\n250-8BITMIME\r\n250-CHUNKING\r\n250-SMTPUTF8\r\n250 STARTTLS\r\n"},
    {"nothing that could be shown of AUTH", "250-mx\r\n250 AUTH PLAIN LOGIN XOAUTH2\r\n",
     {"us", false, EHLO_AUTH_GUARDED, 0}, "250 us\r\n"},
    {"AUTH without mechanisms", "250-mx\r\n250 AUTH\r\n", {"us", false, EHLO_AUTH_ALL, 0}, "250 us\r\n"},
    {"a first line that looks like an offer", "250-SIZE 1\r\n250 SIZE 2\r\n",
     {"us", false, EHLO_AUTH_ALL, 0}, "250-us\r\n250 SIZE 2\r\n"},
    {"the smaller size: ours", "250-mx\r\n250 SIZE 9\r\n", {"us", false, EHLO_AUTH_ALL, 8}, "250-us\r\n250 SIZE 8\r\n"},
    {"the smaller size: theirs", "250-mx\r\n250 SIZE 9\r\n", {"us", false, EHLO_AUTH_ALL, 10}, "250-us\r\n250 SIZE 9\r\n"},
    {"theirs has no limit (RFC 1870, 4)", "250-mx\r\n250 SIZE 0\r\n", {"us", false, EHLO_AUTH_ALL, 10}, "250-us\r\n250 SIZE 10\r\n"},
    {"theirs says no number", "250-mx\r\n250 size\r\n", {"us", false, EHLO_AUTH_ALL, 10}, "250-us\r\n250 SIZE 10\r\n"},
    {"theirs is beyond counting", "250-mx\r\n250 SIZE 99999999999999999999\r\n", {"us", false, EHLO_AUTH_ALL, 10}, "250-us\r\n250 SIZE 10\r\n"},
    {"theirs has none, and would not take the parameter", "250-mx\r\n250 DSN\r\n", {"us", false, EHLO_AUTH_ALL, 10}, "250-us\r\n250 DSN\r\n"},
    {"the old form of AUTH alone", "250-mx\r\n250-AUTH=LOGIN PLAIN\r\n250 DSN\r\n", {"us", false, EHLO_AUTH_ALL, 0}, "250-us\r\n250 DSN\r\n"},
    {"what is not ours to offer", "250-mx\r\n250-BINARYMIME\r\n250-BURL\r\n250-EXPN\r\n250 XEXCH50\r\n", {"us", false, EHLO_AUTH_ALL, 0}, "250-us\r\n250 EXPN\r\n"},
    {"no offers", "250 mx\r\n", {"us", false, EHLO_AUTH_ALL, 0}, "250 us\r\n"},
    {"no text at all", "250\r\n", {"us", true, EHLO_AUTH_ALL, 0}, "250-us\r\n250 STARTTLS\r\n"},
    {"words that only begin alike", "250-mx\r\n250-SIZEX\r\n250-STARTTLSX\r\n250-AUTHX\r\n250 8BITMIM\r\n",
     {"us", false, EHLO_AUTH_ALL, 0}, "250 us\r\n"},
};

static const struct { const char *mechanism; bool guarded; } mechanisms[] = {
    {"CRAM-MD5", true}, {"cram-md5", true}, {"DIGEST-MD5", true}, {"SCRAM-SHA-1", true},
    {"SCRAM-SHA-256-PLUS", true}, {"GSSAPI", true}, {"GS2-KRB5", true}, {"EXTERNAL", true},
    {"PLAIN", false}, {"LOGIN", false}, {"XOAUTH2", false}, {"OAUTHBEARER", false}, {"NTLM", false},
    {"", false}, {"CRAM", false}, {"XSCRAM-SHA-1", false}, {"EXTERNALX", false},
};
/* clang-format on */

static void offers_are_read(void **state)
{
    struct ehlo e = ehlo_read(span_of(postfix));
    char list[200];

    (void)state;
    assert_true(ehlo_has(&e, EHLO_AUTH) && ehlo_has(&e, EHLO_STARTTLS) &&
                ehlo_has(&e, EHLO_XCLIENT));
    assert_true(ehlo_has(&e, EHLO_ENHANCEDSTATUSCODES) && ehlo_has(&e, EHLO_SMTPUTF8));
    assert_false(ehlo_has(&e, EHLO_DSN) || ehlo_has(&e, EHLO_HELP));
    assert_int_equal(ehlo_read(SPAN("250-SIZE\r\n250 SIZE 77\r\n")).size_max, 77);
    assert_int_equal(ehlo_read(SPAN("250-a\r\n250 SIZE\r\n")).size_max, 0);
    assert_int_equal(ehlo_read(SPAN("250-a\r\n250 SIZE 1x\r\n")).size_max, 0);
    assert_int_equal(ehlo_read(SPAN("250 STARTTLS\r\n")).has, 0); /* that is a name */
    assert_int_equal(ehlo_read(SPAN("")).has, 0);
    assert_span(ehlo_argument(span_of(postfix), "AUTH"), "PLAIN LOGIN CRAM-MD5");
    assert_span(ehlo_argument(span_of(postfix), "xclient"), "NAME ADDR");
    assert_span(ehlo_argument(span_of(postfix), "DSN"), "");
    ehlo_list(list, sizeof list, span_of(postfix));
    assert_string_equal(list, "PIPELINING,SIZE,ETRN,STARTTLS,AUTH,XCLIENT,XFORWARD,"
                              "enhancedstatuscodes,8BITMIME,CHUNKING,X-FUTURE,SIZE,SMTPUTF8");
    ehlo_list(list, 20, span_of(postfix));
    assert_string_equal(list, "PIPELINING,SIZE");
    ehlo_list(list, 10, span_of(postfix));
    assert_string_equal(list, "");
}

static void clients_see_what_they_may(void **state)
{
    struct buf to;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        buf_init(&to, 4096);
        assert_row(ehlo_copy(&to, span_of(views[i].reply), &views[i].view), views[i].name);
        assert_span(buf_peek(&to), views[i].want);
        buf_clear(&to);
        for (size_t room = 0; room < strlen(views[i].want); room++) {
            buf_init(&to, room);
            assert_row(!ehlo_copy(&to, span_of(views[i].reply), &views[i].view), views[i].name);
            buf_clear(&to);
        }
    }
}

static void secrets_stay_secret(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(mechanisms); i++)
        assert_row(auth_is_guarded(span_of(mechanisms[i].mechanism)) == mechanisms[i].guarded,
                   mechanisms[i].mechanism);
}

/* clang-format off */
static const struct { const char *name, *a, *b, *want; } both[] = {
    {"what both have", "250-a\r\n250-PIPELINING\r\n250-DSN\r\n250 VRFY\r\n", "250-b\r\n250-vrfy\r\n250 PIPELINING\r\n",
     "250-both\r\n250-PIPELINING\r\n250 VRFY\r\n"},
    {"nothing in common", "250-a\r\n250 DSN\r\n", "250-b\r\n250 VRFY\r\n", "250 both\r\n"},
    {"nothing at all", "250 a\r\n", "250-b\r\n250 VRFY\r\n", "250 both\r\n"},
    {"the smaller size", "250-a\r\n250 SIZE 10\r\n", "250-b\r\n250 SIZE 9\r\n", "250-both\r\n250 SIZE 9\r\n"},
    {"the other way round", "250-a\r\n250 SIZE 9\r\n", "250-b\r\n250 SIZE 10\r\n", "250-both\r\n250 SIZE 9\r\n"},
    {"no limit is none", "250-a\r\n250 SIZE 0\r\n", "250-b\r\n250 SIZE 10\r\n", "250-both\r\n250 SIZE 10\r\n"},
    {"nor is no number", "250-a\r\n250 SIZE 10\r\n", "250-b\r\n250 SIZE\r\n", "250-both\r\n250 SIZE 10\r\n"},
    {"neither has one", "250-a\r\n250 SIZE\r\n", "250-b\r\n250 SIZE 0\r\n", "250-both\r\n250 SIZE\r\n"},
    {"mechanisms of both", "250-a\r\n250 AUTH PLAIN LOGIN CRAM-MD5\r\n", "250-b\r\n250 AUTH cram-md5 XOAUTH2 plain\r\n",
     "250-both\r\n250 AUTH PLAIN CRAM-MD5\r\n"},
    {"no mechanism of both", "250-a\r\n250 AUTH PLAIN\r\n", "250-b\r\n250 AUTH LOGIN\r\n", "250 both\r\n"},
    {"their own STARTTLS and what we do not know", "250-a\r\n250-X-NEW\r\n250 STARTTLS\r\n", "250-a\r\n250-X-NEW\r\n250 STARTTLS\r\n", "250 both\r\n"},
};
/* clang-format on */

static void two_offers_become_one(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(both); i++) {
        struct buf to;

        buf_init(&to, 4096);
        assert_row(ehlo_common(&to, span_of(both[i].a), span_of(both[i].b)), both[i].name);
        assert_row(span_is(buf_peek(&to), both[i].want), both[i].name);
        buf_clear(&to);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_are_read),
        cmocka_unit_test(clients_see_what_they_may),
        cmocka_unit_test(secrets_stay_secret),
        cmocka_unit_test(two_offers_become_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
