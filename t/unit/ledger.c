/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/books.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

static void records_become_rows(void **state)
{
    struct spool *s = open_spool("delivered");
    struct stat st;

    (void)state;
    open_ledger();
    step_to_the_end();
    assert_int_equal(access(csv, F_OK), -1);
    spool_row(s, RECORD_ROW, "d", "one");
    spool_row(s, RECORD_ROW, "b", "two");
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\nb,two,,,\r\n");
    spool_row(s, RECORD_ROW, "x", "no such type");
    spool_row(s, RECORD_ROW, "t", "three");
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\nb,two,,,\r\nt,three,,,\r\n");
    assert_int_equal(stat(csv, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(segments(), 1);
    spool_close(&s);
    step_to_the_end();
    assert_int_equal(segments(), 0);
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\nb,two,,,\r\nt,three,,,\r\n");
}

static void an_outcome_replaces_its_intent(void **state)
{
    struct spool *s = open_spool("delivered"), *other = open_spool("delivered");

    (void)state;
    open_ledger();
    spool_row(s, RECORD_INTENT, "d", "one");
    spool_row(s, RECORD_INTENT, "d", "two");
    spool_row(s, RECORD_INTENT, "d", "three");
    spool_row(other, RECORD_INTENT, "d", "four");
    step_to_the_end();
    assert_string_equal(contents(csv), "");
    spool_row(s, RECORD_OUTCOME, "d", "two");
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,two,,,\r\n");

    /* The accountant dies; the writer goes on, ends one more and dies too. */
    ledger_close(&ledger);
    spool_row(s, RECORD_OUTCOME, "b", "one");
    spool_close(&s);
    open_ledger();
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,two,,,\r\nb,one,,,\r\n"
                                              "t,three,smtp;451 4.4.2 outcome unknown,,\r\n");
    spool_close(&other);
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,two,,,\r\nb,one,,,\r\n"
                                              "t,three,smtp;451 4.4.2 outcome unknown,,\r\n"
                                              "t,four,smtp;451 4.4.2 outcome unknown,,\r\n");
    step_to_the_end();
    assert_int_equal(segments(), 0);
}

/* In the batch of its intent, in a later one, and with an accountant that never saw the intent. */
static void an_outcome_may_leave_the_rest_to_its_intent(void **state)
{
    struct spool *s = open_spool("delivered");
    struct record end = {.what = RECORD_OUTCOME, .at = clock_now()}, intent;

    (void)state;
    open_ledger();
    for (int turn = 0; turn < 3; turn++) {
        static const char *const keys[] = {"one", "two", "three"};

        intent = sample_record(RECORD_INTENT, "t", keys[turn]);
        intent.queued = clock_now() - 4;
        intent.column[COLUMN_rcvTlsProtocol] = SPAN("a\"b");
        intent.column[COLUMN_dsnDiag] = SPAN("never seen");
        spool_record(s, &intent);
        if (turn > 0)
            step_to_the_end();
        if (turn > 1) {
            ledger_close(&ledger);
            open_ledger();
        }
        end.key = span_of(keys[turn]);
        end.column[COLUMN_type] = SPAN("d");
        spool_record(s, &end);
        step_to_the_end();
    }
    assert_string_equal(contents(csv), HEADER "d,one,,\"a\"\"b\",4\r\n"
                                              "d,two,,\"a\"\"b\",4\r\n"
                                              "d,three,,\"a\"\"b\",4\r\n");
    spool_close(&s);
    step_to_the_end();
    assert_int_equal(segments(), 0);
}

/* More than are kept out of the store: half of them end in the next batch, and others not at all.
 */
static void many_are_open_at_once(void **state)
{
    enum { MANY = 6000 };
    struct spool *s = open_spool("delivered");
    size_t rows[2] = {0};

    (void)state;
    open_ledger();
    for (int turn = 0; turn < 2; turn++) {
        for (int i = turn; i < MANY; i += 1 + turn) {
            char key[32];

            snprintf(key, sizeof key, "k%d", i);
            spool_row(s, turn ? RECORD_OUTCOME : RECORD_INTENT, turn ? "d" : "t", key);
        }
    }
    step_to_the_end();
    spool_close(&s);
    step_to_the_end();
    for (char *at = strstr(contents(csv), "\r\n"); at[2]; at = strstr(at + 2, "\r\n"))
        rows[at[2] == 't']++;
    assert_int_equal(rows[0], MANY / 2);
    assert_int_equal(rows[1], MANY / 2);
}

static void a_writer_that_turned_the_page_is_not_gone(void **state)
{
    static char big[9 << 20];
    struct spool *s = open_spool("delivered");

    (void)state;
    open_ledger();
    spool_row(s, RECORD_INTENT, "d", "one");
    memset(big, '\n', sizeof big);
    assert_true(spool_append(s, (struct span){big, sizeof big}));
    assert_true(spool_append(s, SPAN("\n")));
    assert_int_equal(segments(), 3);
    /* In batches of a MB, which do not wait for each other. */
    for (int i = 0; i < 9; i++)
        assert_int_equal(ledger_step(ledger), LEDGER_MORE);
    assert_int_equal(ledger_step(ledger), LEDGER_BUSY);
    assert_int_equal(segments(), 1);
    assert_string_equal(contents(csv), "");
    spool_row(s, RECORD_OUTCOME, "d", "one");
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\n");
    spool_close(&s);
}

static void bad_lines_are_left_out(void **state)
{
    struct spool *s = open_spool("delivered");

    (void)state;
    log_open("test", LOG_TO_STDERR, LOG_FAULT);
    spool_row(s, RECORD_ROW, "d", "one");
    assert_true(spool_append(s, SPAN("{\"do\":\n\nx\n")));
    spool_row(s, RECORD_ROW, "d", "two");
    assert_true(spool_append(s, SPAN("\0\0\0\n")));
    spool_row(s, RECORD_ROW, "d", "three");
    open_ledger();
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\nd,two,,,\r\n"); /* being written */
    spool_close(&s);
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\nd,two,,,\r\nd,three,,,\r\n");
    assert_int_equal(segments(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ALL(records_become_rows),
        WITH_ALL(an_outcome_replaces_its_intent),
        WITH_ALL(an_outcome_may_leave_the_rest_to_its_intent),
        WITH_ALL(many_are_open_at_once),
        WITH_ALL(a_writer_that_turned_the_page_is_not_gone),
        WITH_ALL(bad_lines_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
