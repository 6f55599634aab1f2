/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include "cli/postconf.h"

#define SERVICES                                                                           \
    "smtp       inet  n       -       y       -       -       smtpd\n"                     \
    "127.0.0.1:10025 inet n   -       y       -       -       smtpd -o smtpd_timeout=9s\n" \
    "10026 unix n - - n - smtpd\n"

/* clang-format off */
static const struct {
    const char *name, *text;
    unsigned port;
    struct postconf want;
} rows[] = {
    {"nothing", "", 25, {.has_service = false}},
    {"services by name", SERVICES, 25, {.has_service = true}},
    {"with an address", SERVICES, 10025, {.has_service = true}},
    {"unix is no port", SERVICES, 10026, {.has_service = false}},
    {"another port", SERVICES, 1025, {.has_service = false}},
    {"with an IPv6 address", "[::1]:2525 inet n - y - - smtpd\n", 2525, {.has_service = true}},
    {"short ids", "enable_long_queue_ids = no\n", 25, {.short_ids = true}},
    {"long ids", "enable_long_queue_ids = yes\n", 25, {.short_ids = false}},
    {"times", "smtpd_timeout = 300s\n", 25, {.smtpd_timeout = 300}},
    {"without a unit", "smtpd_timeout = 300\n", 25, {.smtpd_timeout = 300}},
    {"minutes", "smtpd_timeout = 5m\n", 25, {.smtpd_timeout = 300}},
    {"what is no time is not known", "smtpd_timeout = ${stress?{10}:{300}}s\n", 25, {.smtpd_timeout = 0}},
    {"a milter", "smtpd_milters = inet:127.0.0.1:1\nmilter_content_timeout = 300s\n", 25, {.content_timeout = 300}},
    {"its time first", "milter_content_timeout = 300s\nsmtpd_milters = inet:127.0.0.1:1\n", 25, {.content_timeout = 300}},
    {"no milter", "smtpd_milters =\nmilter_content_timeout = 300s\n", 25, {.content_timeout = 0}},
    {"a filter", "smtpd_proxy_filter = 127.0.0.1:1\nsmtpd_proxy_timeout = 100s\n", 25, {.filter_timeout = 100}},
    {"a service's own", "smtpd_timeout = 300s\n127.0.0.1:10025/inet/smtpd_timeout = 30s\n", 10025, {.smtpd_timeout = 30}},
    {"another one's own", "smtpd_timeout = 300s\n127.0.0.1:10025/inet/smtpd_timeout = 30s\n", 25, {.smtpd_timeout = 300}},
    {"by name", "smtp/inet/smtpd_timeout = 30s\n", 25, {.smtpd_timeout = 30}},
    {"not of unix ones", "25/unix/smtpd_timeout = 30s\n", 25, {.smtpd_timeout = 0}},
    {"its milters are its own", "smtpd_milters =\nmilter_content_timeout = 7s\nsmtp/inet/smtpd_milters = unix:/a\n", 25, {.content_timeout = 7}},
    {"warnings are nothing", "postconf: warning: x = y\n = \n/\n//\n/inet/\n\n \n25/inet\n", 25, {.has_service = false}},
};
/* clang-format on */

/* Cut anywhere it is read without harm. */
static void reads(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct postconf *want = &rows[i].want;
        struct postconf p;

        for (size_t cut = 0; cut < strlen(rows[i].text); cut++)
            postconf_read(&p, (struct span){rows[i].text, cut}, rows[i].port);
        postconf_read(&p, span_of(rows[i].text), rows[i].port);
        assert_row(p.has_service == want->has_service, rows[i].name);
        assert_row(p.short_ids == want->short_ids, rows[i].name);
        assert_row(p.smtpd_timeout == want->smtpd_timeout, rows[i].name);
        assert_row(p.content_timeout == want->content_timeout, rows[i].name);
        assert_row(p.filter_timeout == want->filter_timeout, rows[i].name);
    }
}

static void values(void **state)
{
    const struct span text = SPAN("postconf: warning: x = y\na = b c\nlong_a = no\nempty =\n"
                                  "minutes = 2m\n = \nnothing");

    (void)state;
    assert_true(span_is(postconf_value(text, "a"), "b c"));
    assert_true(span_is(postconf_value(text, "empty"), ""));
    assert_true(span_is(postconf_value(text, "not_there"), ""));
    assert_true(span_is(postconf_value(text, "nothing"), ""));
    assert_int_equal(postconf_seconds(text, "minutes"), 120);
    assert_int_equal(postconf_seconds(text, "a"), 0);
    assert_int_equal(postconf_seconds(text, "not_there"), 0);
    for (size_t cut = 0; cut < text.len; cut++)
        (void)postconf_seconds((struct span){text.at, cut}, "minutes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads),
        cmocka_unit_test(values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
