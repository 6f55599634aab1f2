/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of an accounting file whose section was taken out of the configuration.
 */
#include "t/lib/books.h"
#include "t/lib/heard.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* What was there for it reaches it all the same. */
static void a_file_that_is_named_no_more_gets_its_rows(void **state)
{
    struct spool *s = open_spool("delivered");
    char second[160];

    (void)state;
    snprintf(second, sizeof second, "%s/second.csv", folder);
    assert_int_equal(mkdir(csv, 0700), 0);
    open_ledger();
    spool_row(s, RECORD_ROW, "d", "one");
    step_behind();
    ledger_close(&ledger);
    files[0].head.title = second;
    open_ledger();
    assert_int_equal(rmdir(csv), 0);
    spool_row(s, RECORD_ROW, "d", "two");
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\n");
    assert_string_equal(contents(second), HEADER "d,two,,,\r\n");
    spool_close(&s);
}

/* It cannot be written: nobody will ask for its rows. */
static void a_file_that_is_named_no_more_holds_nothing(void **state)
{
    struct spool *s = open_spool("delivered");
    char second[160];
    const char *log;

    (void)state;
    snprintf(second, sizeof second, "%s/second.csv", folder);
    assert_int_equal(mkdir(csv, 0700), 0);
    open_ledger();
    spool_row(s, RECORD_ROW, "d", "one");
    step_behind();
    spool_row(s, RECORD_ROW, "d", "two");
    spool_row(s, RECORD_ROW, "b", "three");
    step_behind();
    ledger_close(&ledger);
    files[0].head.title = second;
    assert_int_equal(heard_begin(), 0);
    open_ledger();
    spool_row(s, RECORD_ROW, "d", "four");
    step_to_the_end(); /* nothing is behind */
    log = heard_lines();
    heard_end();
    assert_non_null(strstr(log, " rows-dropped level=error file="));
    assert_non_null(strstr(log, "/acct.csv rows=3 why=\"no acct-file has it any more"));
    assert_string_equal(contents(second), HEADER "d,four,,,\r\n");
    ledger_close(&ledger);
    assert_int_equal(rmdir(csv), 0);
    files[0].head.title = csv;
    open_ledger();
    spool_row(s, RECORD_ROW, "d", "five");
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,five,,,\r\n");
    spool_close(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ALL(a_file_that_is_named_no_more_gets_its_rows),
        WITH_ALL(a_file_that_is_named_no_more_holds_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
