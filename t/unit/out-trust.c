/* SPDX-License-Identifier: Apache-2.0
 *
 * How often one hears that DNS does not validate.
 */
#include "dns/anchor.h"
#include "proxy-out/facts/trust.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "tell/log.h"
#include "unit.h"

static char log_file[] = "/tmp/sallyport-unit-XXXXXX";

/* The log since the last time. */
static const char *said(void)
{
    static char text[4096];
    int fd = open(log_file, O_RDONLY);
    ssize_t len = read(fd, text, sizeof text - 1);

    close(fd);
    text[len > 0 ? len : 0] = '\0';
    assert_int_equal(0, truncate(log_file, 0));
    return text;
}

static void ask(struct trust *t, enum question_kind kind, bool secure, unsigned times)
{
    static struct answer a;

    a.kind = kind;
    a.secure = secure;
    while (times-- > 0)
        trust_note(t, &a);
}

static void test_hourly(void **state)
{
    struct trust t = {.is = TRUST_MISSING, .said = 1000};

    (void)state;
    clock_hold(1000);
    ask(&t, QUESTION_MAIL, false, 40);
    clock_hold(1000 + TRUST_SAY_AFTER - 1);
    ask(&t, QUESTION_TLSA, false, 1);
    ask(&t, QUESTION_HOST, false, 5);
    assert_string_equal("", said());
    clock_hold(1000 + TRUST_SAY_AFTER);
    ask(&t, QUESTION_MAIL, false, 1);
    const char *line = said();

    assert_non_null(strstr(line, "no-dnssec"));
    assert_non_null(strstr(line, "unvalidated=42"));
    assert_non_null(strstr(line, "trust-anchor-file"));
    ask(&t, QUESTION_MAIL, false, 100);
    assert_string_equal("", said());
    clock_hold(1000 + 2 * TRUST_SAY_AFTER);
    ask(&t, QUESTION_MAIL, false, 1);
    assert_non_null(strstr(said(), "unvalidated=101"));
    clock_hold(-1);
}

static void test_nothing_to_say(void **state)
{
    struct trust unwanted = {.is = TRUST_UNWANTED}, asked = {.is = TRUST_ASKED},
                 proven = {.is = TRUST_PROVEN};

    (void)state;
    clock_hold(1e6);
    ask(&unwanted, QUESTION_MAIL, false, 3);
    ask(&asked, QUESTION_MAIL, false, 3);
    ask(&proven, QUESTION_MAIL, false, 3);
    assert_string_equal("", said());
    clock_hold(-1);
}

/* What is secure proves that the way is, if the anchor's name did not. */
static void test_works_again(void **state)
{
    struct trust t = {.is = TRUST_BROKEN, .missed = 7};
    struct event_base *base = loop_new();

    (void)state;
    alarm_init(&t.again, base, NULL, NULL);
    ask(&t, QUESTION_MAIL, true, 1);
    assert_int_equal(TRUST_PROVEN, t.is);
    assert_non_null(strstr(said(), "dnssec-works unvalidated=7"));
    trust_end(&t);
    event_base_free(base);
}

static const struct {
    const char *text, *name;
} files[] = {
    {"; comment\n\n.\t172800\tIN\tDNSKEY\t257 3 8 AwEA\n", "."},
    {"example.test. IN DS 1 13 2 abcd\n", "example.test."},
    {"$TTL 60\n; x\n  \nb.test. IN DS 1 13 2 abcd\n", "b.test."},
    {"", "."},
};

static void test_names(void **state)
{
    char name[DNS_NAME];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        FILE *to = fopen(log_file, "w");

        assert_true(fputs(files[i].text, to) >= 0);
        assert_int_equal(0, fclose(to));
        anchor_name(log_file, name);
        assert_string_equal(files[i].name, name);
    }
    anchor_name("/nonexistent", name);
    assert_string_equal(".", name);
    (void)said();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hourly),
        cmocka_unit_test(test_nothing_to_say),
        cmocka_unit_test(test_works_again),
        cmocka_unit_test(test_names),
    };
    int fd = mkstemp(log_file), err = dup(2), failed;

    /* What is logged goes to stderr. */
    fd = open(log_file, O_WRONLY | O_APPEND);
    dup2(fd, 2);
    log_open("unit", LOG_TO_STDERR, LOG_SESSION);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    dup2(err, 2);
    unlink(log_file);
    return failed;
}
