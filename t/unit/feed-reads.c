/* SPDX-License-Identifier: Apache-2.0
 *
 * A program that reads at any moment, and dies then or is done: between two looks of the feed at
 * what it has not read.
 */
#include "milter/pipes/feed.h"

#include "t/lib/pipes.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { ROWS = 5, LOOKS = 9 };

static struct feed feed;
static struct reader reader;
static int program; /* its standard input */

/* What it read, and how much that was before it read last. */
static char got[4096];
static size_t got_len, before_last;

static unsigned reads, looks; /* it reads at the looks that have a bit */

static bool read_all(void)
{
    ssize_t len = read(program, got + got_len, sizeof got - 1 - got_len);

    if (len > 0) {
        before_last = got_len;
        got_len += (size_t)len;
    }
    got[got_len] = '\0';
    return len > 0;
}

int ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    void *to;

    va_start(list, request);
    to = va_arg(list, void *);
    va_end(list);
    if (request == FIONREAD && looks < LOOKS && reads >> looks++ & 1)
        (void)!read_all();
    return (int)syscall(SYS_ioctl, fd, request, to);
}

static void open_feed(void)
{
    assert_true(feed_open(&feed, pipes_state, PIPES_TITLE, false, 1000));
    assert_true(feed_hold(&feed));
}

static void start(void)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    reader = (struct reader){.name = "some", .input = ends[1], .output = -1, .end = -1};
    program = ends[0];
    assert_true(feed_begin(&feed));
}

static void end(bool done)
{
    while (done && read_all())
        ;
    feed_end(&feed, done);
    close(reader.input);
    close(program);
}

/* Segments of one row, the last with other columns. */
static void make_segments(void)
{
    char name[] = "rows-0.csv";

    assert_true(backlog_open(pipes_state, PIPES_TITLE, false, 1000, &pipes_backlog));
    for (unsigned n = 0; n < ROWS - 1; n++) {
        name[5] = (char)('0' + n);
        pipes_rows(name, n, 1);
    }
    pipes_put("rows.csv", "type,orig\r\nd,000004\r\n");
}

/* What it had when it read last comes again if it died; nothing does if it was done. */
static void first_life(unsigned when, bool done)
{
    got_len = before_last = looks = 0;
    got[0] = '\0';
    reads = when;
    open_feed();
    start();
    while (looks < LOOKS && feed_send(&feed, &reader, false) != FEED_ANEW)
        (void)!feed_look(&feed, &reader);
    reads = 0;
    end(done);
    feed_close(&feed);
    got_len = done ? got_len : before_last;
    got[got_len] = '\0';
}

static void later_lives(void)
{
    open_feed();
    while (!strstr(got, "d,000004")) {
        start();
        while (feed_send(&feed, &reader, false) != FEED_ANEW && read_all())
            ;
        end(true);
    }
    feed_close(&feed);
    backlog_clear_others(pipes_state, NULL, 0);
}

static unsigned times(unsigned row)
{
    unsigned count = 0;
    char text[16];

    snprintf(text, sizeof text, "\nd,%06u\r", row);
    for (const char *at = got; (at = strstr(at, text)); at++)
        count++;
    return count;
}

static void whenever_it_reads(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2 << LOOKS; i++) {
        bool done = i & 1;

        make_segments();
        first_life(i >> 1, done);
        later_lives();
        for (unsigned row = 0; row < ROWS; row++) {
            assert_true(times(row) > 0);
            assert_true(!done || times(row) == 1);
        }
    }
    assert_true(backlog_open(pipes_state, PIPES_TITLE, false, 1000, &pipes_backlog));
}

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_PIPES(whenever_it_reads)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
