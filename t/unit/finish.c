/* SPDX-License-Identifier: Apache-2.0
 *
 * Which file is finished when, and under which name.
 */
#include "t/lib/books.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "milter/books/finished.h"

/* Each has a file of its own, and none shares it because they came together. */
static void rows_too_long_for_any_file(void **state)
{
    struct spool *s = open_spool("delivered");

    (void)state;
    files[0].max_size = sizeof HEADER - 1 + 12;
    open_ledger();
    spool_row(s, RECORD_ROW, "d", "one, longer than a file");
    spool_row(s, RECORD_ROW, "d", "two, longer than a file");
    spool_row(s, RECORD_ROW, "d", "three, longer than a file");
    step_to_the_end();
    assert_string_equal(contents(in_folder("acct-1970-01-12-0000.csv")),
                        HEADER "d,\"one, longer than a file\",,,\r\n");
    assert_string_equal(contents(in_folder("acct-1970-01-12-0001.csv")),
                        HEADER "d,\"two, longer than a file\",,,\r\n");
    assert_string_equal(contents(csv), HEADER "d,\"three, longer than a file\",,,\r\n");
    spool_close(&s);
}

/* Named by the day on which it was begun, not by that on which it was finished; numbers begin
 * anew with each. */
static void each_day_counts_anew(void **state)
{
    enum { DAY = 86400 };
    struct spool *s = open_spool("delivered");

    (void)state;
    move_there();
    files[0].move_interval = DAY;
    open_ledger();
    for (int i = 0; i < 2; i++) {
        add_row(s, i == 0 ? "one" : "two");
        clock_hold(1000000 + (i + 1) * DAY);
        step_to_the_end();
    }
    assert_string_equal(contents(in_moved("acct-1970-01-12-0000.csv")), HEADER "d,one,,,\r\n");
    assert_string_equal(contents(in_moved("acct-1970-01-13-0000.csv")), HEADER "d,two,,,\r\n");
    spool_close(&s);
}

/* A file's time begins with its first row, and without one it has no end. */
static void a_file_without_rows_stays(void **state)
{
    struct spool *s = open_spool("delivered");
    FILE *f = fopen(csv, "w");

    (void)state;
    fputs(HEADER, f);
    fclose(f);
    move_there();
    files[0].move_interval = 600;
    open_ledger();
    step_to_the_end();
    clock_hold(1000500);
    add_row(s, "one");
    clock_hold(1000700);
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\n");
    assert_int_equal(truncate(csv, sizeof HEADER - 1), 0); /* a reader took what was there */
    clock_hold(1001200);
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER);
    spool_close(&s);
}

/* One put there by hand meanwhile is another, though the time of the first is over. */
static void the_time_is_that_of_one_file(void **state)
{
    struct spool *s = open_spool("delivered");
    FILE *f;

    (void)state;
    move_there();
    files[0].move_interval = 600;
    open_ledger();
    add_row(s, "one");
    assert_int_equal(rename(csv, in_folder("by-hand")), 0);
    f = fopen(csv, "w");
    fputs(HEADER "d,another's,,,\r\n", f);
    fclose(f);
    clock_hold(1000700);
    step_to_the_end();
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,another's,,,\r\n");
    clock_hold(1001300);
    step_to_the_end();
    assert_int_equal(access(csv, F_OK), -1);
    spool_close(&s);
}

/* The name was free a moment ago, and somebody was faster. */
static void a_name_that_was_taken_meanwhile(void **state)
{
    char from[160], to[160];

    (void)state;
    for (int i = 0; i < 2; i++) {
        char *path = i == 0 ? from : to;
        FILE *f;

        snprintf(path, sizeof from, "%s", in_folder(i == 0 ? "ours" : "theirs"));
        f = fopen(path, "w");
        fputs(path, f);
        fclose(f);
    }
    assert_false(finished_rename(from, to));
    assert_int_equal(errno, EEXIST);
    assert_string_equal(contents(to), to);
    assert_string_equal(contents(from), from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ALL(rows_too_long_for_any_file),      WITH_ALL(each_day_counts_anew),
        WITH_ALL(a_file_without_rows_stays),       WITH_ALL(the_time_is_that_of_one_file),
        WITH_ALL(a_name_that_was_taken_meanwhile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
