/* SPDX-License-Identifier: Apache-2.0
 *
 * What is said to log in, and what is made of the answers (RFC 4954, RFC 4616).
 */
#include "remote/login.h"

#include <stdio.h>

#include "base/base64.h"
#include "unit.h"

/* RFC 4648, 10. */
static void letters(void **state)
{
    static const char *const cases[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"Ma", "TWE="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff\xfe", "+//+"},
    };
    char to[16];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t len = base64_write(to, span_of(cases[i][0]));

        assert_int_equal(len, BASE64_SIZE(strlen(cases[i][0])));
        assert_row(span_is((struct span){to, len}, cases[i][1]), cases[i][1]);
    }
}

enum { MOST_STEPS = 5 };

/* `steps` are the codes that come, and what is said then: a line, or how it ends. */
static const struct {
    const char *name, *user, *password, *offer;
    struct {
        int code;
        const char *says; /* NULL: the end, */
        enum login_step end;
    } steps[MOST_STEPS];
} cases[] = {
    {"nobody is to log in", "", "", "250 AUTH PLAIN", {{0, NULL, LOGIN_DONE}}},
    {"PLAIN, at once with what it needs",
     "tim",
     "tanstaaftanstaaf",
     "250-x\r\n250 AUTH PLAIN",
     {{0, "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n", 0}, {235, NULL, LOGIN_DONE}}},
    {"PLAIN first, wherever it stands and however it is written",
     "tim",
     "tanstaaftanstaaf",
     "250-x\r\n250 auth CRAM-MD5 LOGIN plain",
     {{0, "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\r\n", 0}, {535, NULL, LOGIN_REFUSED}}},
    {"LOGIN, in three lines",
     "tim",
     "x\"\\ \xc3\xbc",
     "250-x\r\n250 AUTH CRAM-MD5 LOGIN",
     {{0, "AUTH LOGIN\r\n", 0},
      {334, "dGlt\r\n", 0},
      {334, "eCJcIMO8\r\n", 0},
      {235, NULL, LOGIN_DONE}}},
    {"LOGIN, questions without end",
     "tim",
     "t",
     "250-x\r\n250 AUTH LOGIN",
     {{0, "AUTH LOGIN\r\n", 0},
      {334, "dGlt\r\n", 0},
      {334, "dA==\r\n", 0},
      {334, NULL, LOGIN_REFUSED}}},
    {"PLAIN, and a question all the same",
     "tim",
     "t",
     "250-x\r\n250 AUTH PLAIN LOGIN",
     {{0, "AUTH PLAIN AHRpbQB0\r\n", 0}, {334, NULL, LOGIN_REFUSED}}},
    {"250 is no 235",
     "tim",
     "t",
     "250-x\r\n250 AUTH PLAIN",
     {{0, "AUTH PLAIN AHRpbQB0\r\n", 0}, {250, NULL, LOGIN_REFUSED}}},
    {"not now",
     "tim",
     "t",
     "250-x\r\n250 AUTH LOGIN",
     {{0, "AUTH LOGIN\r\n", 0}, {454, NULL, LOGIN_REFUSED}}},
    {"no way that we know",
     "tim",
     "t",
     "250-x\r\n250 AUTH GSSAPI XPLAIN PLAINX",
     {{0, NULL, LOGIN_NOT_OFFERED}}},
    {"the old form is none (RFC 2554)",
     "tim",
     "t",
     "250-x\r\n250 AUTH=PLAIN",
     {{0, NULL, LOGIN_NOT_OFFERED}}},
    {"AUTH and nothing behind it", "tim", "t", "250-x\r\n250 AUTH", {{0, NULL, LOGIN_NOT_OFFERED}}},
    {"hidden", "tim", "t", "250-x\r\n250 HELP", {{0, NULL, LOGIN_NOT_OFFERED}}},
    {"no password",
     "tim",
     "",
     "250-x\r\n250 AUTH PLAIN",
     {{0, "AUTH PLAIN AHRpbQA=\r\n", 0}, {535, NULL, LOGIN_REFUSED}}},
};

static void steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct login l;
        char offer[128], line[LOGIN_LINE];
        size_t n = 0, len = 0;

        login_init(&l, cases[i].user, cases[i].password);
        snprintf(offer, sizeof offer, "%s\r\n", cases[i].offer);
        login_offered(&l, span_of(offer));
        for (; cases[i].steps[n].says; n++) {
            assert_row(login_next(&l, cases[i].steps[n].code, line, &len) == LOGIN_SAY,
                       cases[i].name);
            assert_row(span_is((struct span){line, len}, cases[i].steps[n].says), cases[i].name);
        }
        assert_row(login_next(&l, cases[i].steps[n].code, line, &len) == cases[i].steps[n].end,
                   cases[i].name);
    }
}

/* What was offered before TLS is forgotten: an attacker may have written it. */
static void offered_again(void **state)
{
    struct login l;
    char line[LOGIN_LINE];
    size_t len;

    (void)state;
    login_init(&l, "tim", "t");
    login_offered(&l, SPAN("250-x\r\n250 AUTH PLAIN\r\n"));
    login_offered(&l, SPAN("250-x\r\n250 HELP\r\n"));
    assert_int_equal(LOGIN_NOT_OFFERED, login_next(&l, 0, line, &len));
}

/* The longest there may be fits; one more byte is not said at all. */
static void longest(void **state)
{
    char name[LOGIN_MAX + 2], line[LOGIN_LINE];
    struct login l;
    size_t len;

    (void)state;
    memset(name, 'x', sizeof name);
    name[LOGIN_MAX] = '\0';
    login_init(&l, name, name);
    login_offered(&l, SPAN("250-x\r\n250 AUTH PLAIN\r\n"));
    assert_int_equal(LOGIN_SAY, login_next(&l, 0, line, &len));
    assert_int_equal(len, strlen("AUTH PLAIN \r\n") + BASE64_SIZE(2 * LOGIN_MAX + 2));
    name[LOGIN_MAX] = 'x';
    name[LOGIN_MAX + 1] = '\0';
    login_init(&l, "tim", name);
    login_offered(&l, SPAN("250-x\r\n250 AUTH PLAIN\r\n"));
    assert_int_equal(LOGIN_NOT_OFFERED, login_next(&l, 0, line, &len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters),
        cmocka_unit_test(steps),
        cmocka_unit_test(offered_again),
        cmocka_unit_test(longest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
