/* SPDX-License-Identifier: Apache-2.0
 *
 * Files are finished and begun, moved and removed.
 */
#include "t/lib/books.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "milter/books/finish.h"

static void full_files_are_finished(void **state)
{
    struct spool *s = open_spool("delivered");

    (void)state;
    files[0].max_size = sizeof HEADER - 1 + 24;
    open_ledger();
    for (int i = 0; i < 5; i++)
        spool_row(s, RECORD_ROW, "d", i < 4 ? "one" : "far longer than any file may become");
    step_to_the_end();
    spool_row(s, RECORD_ROW, "d", "two");
    step_to_the_end();
    assert_string_equal(contents(in_folder("acct-1970-01-12-0000.csv")),
                        HEADER "d,one,,,\r\nd,one,,,\r\n");
    assert_string_equal(contents(in_folder("acct-1970-01-12-0001.csv")),
                        HEADER "d,one,,,\r\nd,one,,,\r\n");
    assert_string_equal(contents(in_folder("acct-1970-01-12-0002.csv")),
                        HEADER "d,far longer than any file may become,,,\r\n");
    assert_string_equal(contents(csv), HEADER "d,two,,,\r\n");
    spool_close(&s);
}

/* It happens when no mail comes, too; a file without rows stays. */
static void old_files_are_moved(void **state)
{
    struct spool *s = open_spool("delivered");

    (void)state;
    move_there();
    files[0].move_interval = 600;
    open_ledger();
    step_to_the_end();
    clock_hold(1000700);
    step_to_the_end();
    assert_int_equal(access(csv, F_OK), -1);
    add_row(s, "one");
    clock_hold(1001000);
    add_row(s, "two");
    ledger_close(&ledger); /* a restart does not begin anew */
    open_ledger();
    clock_hold(1001299);
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\nd,two,,,\r\n");
    clock_hold(1001300);
    step_to_the_end();
    assert_int_equal(access(csv, F_OK), -1);
    assert_string_equal(contents(in_moved("acct-1970-01-12-0000.csv")),
                        HEADER "d,one,,,\r\nd,two,,,\r\n");
    clock_hold(1009000);
    step_to_the_end();
    add_row(s, "three");
    clock_hold(1009601);
    assert_int_equal(unlink(in_moved("acct-1970-01-12-0000.csv")), 0); /* a reader took it */
    step_to_the_end();
    assert_string_equal(contents(in_moved("acct-1970-01-12-0001.csv")), HEADER "d,three,,,\r\n");
    assert_string_equal(contents(in_moved("acct-1970-01-12-0000.csv")), "");
    spool_close(&s);
}

/* What tls-reports keeps is finished daily, where it is. */
static void what_is_ours_is_finished_daily(void **state)
{
    struct spool *s = open_spool("delivered");

    (void)state;
    snprintf(csv, sizeof csv, "%s/state/tlsrpt/sessions.csv", folder);
    files[0].is_ours = true;
    files[0].move_interval = 86400;
    open_ledger();
    add_row(s, "one");
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\n");
    clock_hold(1000000 + 86401);
    step_to_the_end();
    assert_int_equal(access(csv, F_OK), -1);
    add_row(s, "two");
    snprintf(csv, sizeof csv, "%s/state/tlsrpt/sessions-1970-01-12-0000.csv", folder);
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\n");
    spool_close(&s);
}

/* clang-format off */
static const struct {
    const char *name;
    double begun, now, due; /* the clock that never goes back shows 50 */
} dues[] = {
    {"just begun",               1000, 1000,    650},
    {"half of it is over",       1000, 1300,    350},
    {"over",                     1000, 1600,    50},
    {"long over",                1000, 99999,   50},
    {"the clock went back",      1000, 10,      650},
    {"the clock was wrong then", 9e9,  1000,    650},
};
/* clang-format on */

static void when_files_are_due(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(dues); i++)
        assert_row(finish_due(dues[i].begun, 600, dues[i].now, 50) == dues[i].due, dues[i].name);
}

/* A name that is taken is not taken again; one that cannot be moved goes on growing. */
static void what_cannot_be_moved_stays(void **state)
{
    struct spool *s = open_spool("delivered");
    FILE *f;

    (void)state;
    files[0].max_size = sizeof HEADER - 1 + 12;
    move_there();
    f = fopen(in_moved("acct-1970-01-12-0000.csv"), "w");
    fputs("another's", f);
    fclose(f);
    open_ledger();
    add_row(s, "one");
    add_row(s, "two");
    assert_string_equal(contents(in_moved("acct-1970-01-12-0000.csv")), "another's");
    assert_string_equal(contents(in_moved("acct-1970-01-12-0001.csv")), HEADER "d,one,,,\r\n");
    assert_int_equal(rename(moved, in_folder("away")), 0);
    add_row(s, "three");
    add_row(s, "four");
    assert_string_equal(contents(csv), HEADER "d,two,,,\r\nd,three,,,\r\nd,four,,,\r\n");
    assert_int_equal(rename(in_folder("away"), moved), 0);
    add_row(s, "five");
    clock_hold(1000061);
    add_row(s, "six");
    assert_string_equal(contents(csv), HEADER "d,six,,,\r\n");
    assert_non_null(strstr(contents(in_moved("acct-1970-01-12-0002.csv")), "d,five,,,\r\n"));
    spool_close(&s);
}

static void make_old(const char *path, double at)
{
    struct timespec times[2] = {{.tv_sec = (time_t)at}, {.tv_sec = (time_t)at}};
    FILE *f = fopen(path, "w");

    fputs("x", f);
    fclose(f);
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static bool is_there(const char *name)
{
    return access(in_folder(name), F_OK) == 0;
}

static void at_time(double seconds)
{
    clock_hold(seconds);
    step_to_the_end();
}

/* Only what is ours, only what is old, and not by a clock that jumped. */
static void old_files_are_removed(void **state)
{
    enum { DAY = 86400 };

    (void)state;
    files[0].delete_after = 8 * DAY;
    files[1] = files[0];
    files[1].head.title = strdup(in_folder("acct-1970-01-03-0000.csv"));
    settings.acct_file_count = 2;
    make_old(in_folder("acct-1970-01-01-0000.csv"), 1000000 - 8 * DAY);
    make_old(in_folder("acct-1970-01-02-0000.csv"), 1000000 - 6 * DAY);
    make_old(in_folder("acct-1970-01-03-0000.csv"), 1000000 - 9 * DAY);
    make_old(in_folder("acct-1970-01-01-0000.csv.gz"), 1000000 - 9 * DAY);
    make_old(in_folder("other-1970-01-01-0000.csv"), 1000000 - 9 * DAY);
    make_old(csv, 1000000 - 9 * DAY);
    assert_int_equal(symlink("acct.csv", in_folder("acct-1970-01-04-0000.csv")), 0);
    assert_int_equal(utimensat(AT_FDCWD, in_folder("acct-1970-01-04-0000.csv"),
                               (const struct timespec[2]){{.tv_sec = 1}, {.tv_sec = 1}},
                               AT_SYMLINK_NOFOLLOW),
                     0);
    open_ledger();
    at_time(1000000);
    at_time(1000000 + DAY / 2);
    assert_true(is_there("acct-1970-01-01-0000.csv")); /* the clock is new to us */
    at_time(1000000 + DAY);
    assert_false(is_there("acct-1970-01-01-0000.csv"));
    assert_true(is_there("acct-1970-01-02-0000.csv"));
    ledger_close(&ledger);
    open_ledger();
    at_time(1000000 + 400 * DAY);
    at_time(1000000 + 400 * DAY + DAY / 2);
    assert_true(is_there("acct-1970-01-02-0000.csv"));
    at_time(1000000 + 401 * DAY);
    assert_false(is_there("acct-1970-01-02-0000.csv"));
    assert_true(is_there("acct-1970-01-03-0000.csv"));
    assert_true(is_there("acct-1970-01-01-0000.csv.gz"));
    assert_true(is_there("other-1970-01-01-0000.csv"));
    assert_true(is_there("acct-1970-01-04-0000.csv"));
    assert_true(is_there("acct.csv"));
    free((char *)(uintptr_t)files[1].head.title);
}

/* A restart needs no day to believe the clock that it knows. */
static void what_is_never_removed(void **state)
{
    enum { DAY = 86400 };
    double now = 1000000;

    (void)state;
    make_old(in_folder("acct-1970-01-01-0000.csv"), 1000000 - 9 * DAY);
    files[0].delete_after = 0;
    open_ledger();
    at_time(now);
    at_time(now += DAY);
    assert_true(is_there("acct-1970-01-01-0000.csv"));
    ledger_close(&ledger);
    files[0].delete_after = 8 * DAY;
    move_there();
    open_ledger();
    at_time(now += 120);
    assert_true(is_there("acct-1970-01-01-0000.csv"));
    ledger_close(&ledger);
    files[0].move_to = NULL;
    open_ledger();
    at_time(now += 120);
    assert_false(is_there("acct-1970-01-01-0000.csv"));
}

/* Writes a row, and forgets that it was written. */
static void write_unmarked(struct spool *s, const char *id)
{
    struct marks marks;

    spool_row(s, RECORD_ROW, "d", id);
    assert_int_equal(ledger_gather(ledger), LEDGER_BUSY);
    read_marks(&marks);
    assert_true(ledger_write(ledger));
    ledger_close(&ledger);
    write_marks(&marks);
}

static void moved_between_write_and_mark(void **state)
{
    struct spool *s = open_spool("delivered");

    (void)state;
    open_ledger();
    add_row(s, "one");
    write_unmarked(s, "two");
    assert_int_equal(rename(csv, in_folder("by-hand")), 0);
    open_ledger();
    add_row(s, "three");
    assert_string_equal(contents(in_folder("by-hand")), HEADER "d,one,,,\r\nd,two,,,\r\n");
    assert_string_equal(contents(csv), HEADER "d,three,,,\r\n");

    /* The mark is lost, nothing moved; and someone else added a line meanwhile. */
    write_unmarked(s, "four");
    {
        FILE *f = fopen(csv, "a");

        fputs("# a note\r\n", f);
        fclose(f);
    }
    open_ledger();
    add_row(s, "five");
    assert_string_equal(contents(csv),
                        HEADER "d,three,,,\r\nd,four,,,\r\n# a note\r\nd,five,,,\r\n");

    /* As copytruncate does it: what may be lost is written again. */
    write_unmarked(s, "six");
    assert_int_equal(truncate(csv, 0), 0);
    open_ledger();
    add_row(s, "seven");
    assert_string_equal(contents(csv), HEADER "d,six,,,\r\nd,seven,,,\r\n");
    spool_close(&s);
}

static void only_plain_files_are_written(void **state)
{
    struct spool *s = open_spool("delivered");

    (void)state;
    assert_int_equal(symlink("target.csv", csv), 0);
    open_ledger();
    spool_row(s, RECORD_ROW, "d", "one");
    while (ledger_step(ledger) == LEDGER_BUSY)
        ;
    assert_int_equal(ledger_step(ledger), LEDGER_BEHIND);
    assert_false(is_there("target.csv"));
    assert_int_equal(unlink(csv), 0);
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\n");
    spool_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_ALL(full_files_are_finished),
                                       WITH_ALL(old_files_are_moved),
                                       WITH_ALL(when_files_are_due),
                                       WITH_ALL(what_cannot_be_moved_stays),
                                       WITH_ALL(old_files_are_removed),
                                       WITH_ALL(what_is_never_removed),
                                       WITH_ALL(moved_between_write_and_mark),
                                       WITH_ALL(only_plain_files_are_written),
                                       WITH_ALL(what_is_ours_is_finished_daily)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
