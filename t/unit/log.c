/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Datagrams keep writes apart: what one read brings was one write. */
static int ends[2], saved_stderr;
static char heard[16384];

static int catch_stderr(void **state)
{
    (void)state;
    if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends) != 0)
        return -1;
    saved_stderr = dup(STDERR_FILENO);
    return dup2(ends[1], STDERR_FILENO) < 0;
}

static int release_stderr(void **state)
{
    (void)state;
    log_open("test", LOG_TO_STDERR, LOG_SESSION);
    dup2(saved_stderr, STDERR_FILENO);
    close(saved_stderr);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

/* The next line that was written; "" if none was. */
static const char *next_line(void)
{
    ssize_t len = read(ends[0], heard, sizeof heard - 1);

    heard[len > 0 ? len : 0] = 0;
    return heard;
}

static void one_write_a_line(void **state)
{
    (void)state;
    log_open("in", LOG_TO_STDERR, LOG_SESSION);
    log_say(LOG_SESSION, "7f3a", "closed", {"why", SPAN("timed-out")},
            {"doing", SPAN("shaking hands")}, {"bytes", log_number(1204)});
    assert_string_equal(next_line(),
                        "in 7f3a closed why=timed-out doing=\"shaking hands\" bytes=1204\n");
    assert_string_equal(next_line(), "");
}

static void without_a_session(void **state)
{
    (void)state;
    log_open("in", LOG_TO_STDERR, LOG_SESSION);
    log_say(LOG_LIFE, "", "started", {"workers", log_number(2)});
    assert_string_equal(next_line(), "in started workers=2\n");
    log_pairs(LOG_LIFE, "", "stopped", NULL, 0);
    assert_string_equal(next_line(), "in stopped\n");
}

static void nobody_forges_a_line(void **state)
{
    (void)state;
    log_open("in", LOG_TO_STDERR, LOG_SESSION);
    log_say(LOG_SESSION, "1", "heard", {"line", SPAN("x\nin 2 closed a=\"b\"")},
            {"none", SPAN("")});
    assert_string_equal(next_line(), "in 1 heard line=\"x?in 2 closed a=\\\"b\\\"\" none=\"\"\n");
}

static void levels(void **state)
{
    (void)state;
    for (enum log_level most = LOG_FAULT; most <= LOG_STEP; most++) {
        log_open("in", LOG_TO_STDERR, most);
        for (enum log_level level = LOG_FAULT; level <= LOG_STEP; level++) {
            log_say(level, "", "event", {"a", SPAN("b")});
            assert_string_equal(next_line(), level > most         ? ""
                                             : level == LOG_FAULT ? "in event level=error a=b\n"
                                                                  : "in event a=b\n");
            assert_int_equal(log_is_on(level), level <= most);
        }
    }
}

static void long_lines_are_cut(void **state)
{
    static char big[8000];
    size_t len;

    (void)state;
    memset(big, 'x', sizeof big);
    log_open("in", LOG_TO_STDERR, LOG_SESSION);
    log_say(LOG_SESSION, "1", "big", {"value", {big, sizeof big}}, {"lost", SPAN("v")});
    len = strlen(next_line());
    assert_int_equal(len, 4096);
    assert_int_equal(heard[len - 1], '\n');
    assert_null(memchr(heard, '\n', len - 1));
    for (size_t cut = 4070; cut < 4100; cut++) { /* the end falls on each place once */
        log_say(LOG_SESSION, "1", "big", {"value", {big, cut}}, {"k", SPAN("a b")});
        len = strlen(next_line());
        assert_in_range(len, 4000, 4096);
        assert_int_equal(heard[len - 1], '\n');
    }
}

static void a_full_pipe_does_not_hold_us(void **state)
{
    (void)state;
    log_open("in", LOG_TO_STDERR, LOG_SESSION);
    for (int i = 0; i < 10000; i++)
        log_say(LOG_SESSION, "1", "event", {"i", log_number(i)});
    assert_string_equal(next_line(), "in 1 event i=0\n");
}

static void errno_stays(void **state)
{
    (void)state;
    log_open("in", LOG_TO_STDERR, LOG_SESSION);
    close(STDERR_FILENO);
    errno = ENOENT;
    log_say(LOG_FAULT, "", "event", {"a", SPAN("b")});
    assert_int_equal(errno, ENOENT);
}

static void numbers(void **state)
{
    static const struct {
        double n;
        const char *text;
    } cases[] = {
        {0, "0"},
        {-1, "-1"},
        {1.5, "1.500"},
        {1763763000, "1763763000"},
        {0.0004, "0.000"},
        {1e14, "100000000000000"},
        {1.9996, "2.000"},
        {-1.5, "-1.500"},
        {12.007, "12.007"},
        {0.999, "0.999"},
        {1763763000.25, "1763763000.250"},
        {-12.007, "-12.007"},
        {1e15, "1000000000000000.000"},
        {-1e15, "-1000000000000000.000"},
    };
    struct span kept[8];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_true(span_is(log_number(cases[i].n), cases[i].text));
    for (int i = 0; i < 8; i++)
        kept[i] = log_number(i);
    for (int i = 0; i < 8; i++)
        assert_int_equal(kept[i].at[0], '0' + i);
    assert_true(log_number(1e300).len < 32);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, catch_stderr, release_stderr)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(one_write_a_line), CASE(without_a_session),   CASE(nobody_forges_a_line),
        CASE(levels),           CASE(long_lines_are_cut),  CASE(a_full_pipe_does_not_hold_us),
        CASE(errno_stays),      cmocka_unit_test(numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
