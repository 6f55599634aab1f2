/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/books.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "milter/books/intents.h"

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

static struct record reception_of(const char *id, const char *host, double at, const char *tls)
{
    struct record r = sample_record(RECORD_RECEIVED, "r", "from");

    r.at = at;
    r.id_host = span_of(host);
    r.column[COLUMN_queueId] = span_of(id);
    r.column[COLUMN_rcvTlsProtocol] = span_of(tls);
    return r;
}

static struct record delivery_of(const char *id, const char *host, double at)
{
    struct record r = sample_record(RECORD_ROW, "d", "to");

    r.at = at;
    r.id_host = span_of(host);
    r.column[COLUMN_queueId] = span_of(id);
    return r;
}

/* clang-format off */
static const struct {
    const char *name, *id, *host;
    double at;
    const char *row; /* behind "d,to,," */
} joins[] = {
    {"its own",                        "A1", "mx.test",    1010, "TLSv1.3,10"},
    {"host in another case",           "A1", "MX.Test",    1010, "TLSv1.3,10"},
    {"host not known",                 "A1", "",           1010, "TLSv1.3,10"},
    {"another host's",                 "A1", "other.test", 1010, ","},
    {"another id",                     "A2", "mx.test",    1010, ","},
    {"only the id's beginning",        "A",  "mx.test",    1010, ","},
    {"no id",                          "",   "mx.test",    1010, ","},
    {"id used again: the earlier",     "B1", "mx.test",    1999, "TLSv1.1,999"},
    {"id used again: the later",       "B1", "mx.test",    2001, "TLSv1.2,1"},
    {"id used again, long after",      "B1", "mx.test",    9000, "TLSv1.2,7000"},
    {"a moment before its reception",  "B1", "mx.test",    999,  "TLSv1.1,0"},
    {"long before",                    "B1", "mx.test",    900,  ","},
    {"reception without a host",       "C1", "mx.test",    1010, "TLSv1,10"},
    {"queued later than received",     "D1", "mx.test",    1010, "SSLv3,7"},
};
/* clang-format on */

static void a_delivery_finds_its_reception(void **state)
{
    struct spool *d = open_spool("delivered"), *r = open_spool("received");
    struct record receptions[] = {
        reception_of("A1", "mx.test", 1000, "TLSv1.3"),
        reception_of("B1", "mx.test", 2000, "TLSv1.2"),
        reception_of("B1", "mx.test", 1000, "TLSv1.1"),
        reception_of("C1", "", 1000, "TLSv1"),
        reception_of("D1", "mx.test", 1000, "SSLv3"),
        reception_of("", "mx.test", 1000, "none"),
    };
    char *at;

    (void)state;
    receptions[4].queued = 1003;
    for (size_t i = 0; i < COUNT_OF(joins); i++) {
        struct record one = delivery_of(joins[i].id, joins[i].host, joins[i].at);

        spool_record(d, &one);
    }
    for (size_t i = 0; i < COUNT_OF(receptions); i++)
        spool_record(r, &receptions[i]);
    open_ledger();
    step_to_the_end();
    at = strstr(contents(csv), "d,to,");
    for (size_t i = 0; i < COUNT_OF(joins); i++) {
        char row[64];

        snprintf(row, sizeof row, "d,to,,%s\r\n", joins[i].row);
        assert_row(at && strncmp(at, row, strlen(row)) == 0, joins[i].name);
        at += strlen(row);
    }
    spool_close(&d);
    spool_close(&r);
}

static void receptions_are_rows_and_are_remembered(void **state)
{
    struct spool *r = open_spool("received"), *d;
    struct record one = reception_of("A1", "mx.test", 1000000, "TLSv1.3");
    struct record two = delivery_of("A1", "mx.test", 1000000 + 6 * 86400);
    struct record three = delivery_of("A1", "mx.test", 1000000 + 8 * 86400);

    (void)state;
    open_ledger();
    spool_record(r, &one);
    spool_close(&r);
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "r,from,,TLSv1.3,\r\n");
    assert_int_equal(segments(), 0);
    ledger_close(&ledger);
    d = open_spool("delivered");
    open_ledger();
    clock_hold(two.at + 60);
    spool_row(d, RECORD_ROW, "a", "other"); /* what is too old goes with this batch */
    step_to_the_end();
    spool_record(d, &two);
    step_to_the_end();
    assert_non_null(strstr(contents(csv), "d,to,,TLSv1.3,518400\r\n"));
    clock_hold(three.at + 60);
    spool_row(d, RECORD_ROW, "b", "other");
    step_to_the_end();
    spool_record(d, &three);
    step_to_the_end();
    assert_non_null(strstr(contents(csv), "d,to,,,\r\n"));
    spool_close(&d);
}

/* What the delivery says itself stays. */
static void a_join_fills_only_gaps(void **state)
{
    struct spool *r = open_spool("received"), *d = open_spool("delivered");
    struct record one = reception_of("A1", "mx.test", 999990, "TLSv1.3");
    struct record two = delivery_of("A1", "mx.test", 1000000);

    (void)state;
    two.column[COLUMN_rcvTlsProtocol] = SPAN("own");
    two.queued = 999998;
    spool_record(r, &one);
    spool_record(d, &two);
    open_ledger();
    step_to_the_end();
    assert_non_null(strstr(contents(csv), "d,to,,own,10\r\n"));
    spool_close(&r);
    spool_close(&d);
}

/* A delivery that is noted a moment before its reception waits for it, but not for long. */
static void a_delivery_waits_a_moment(void **state)
{
    struct spool *r = open_spool("received"), *d = open_spool("delivered");
    struct record one = delivery_of("A1", "", 1000000), two = delivery_of("B1", "", 1000000);
    struct record of_one = reception_of("A1", "", 1000000, "TLSv1.3");

    (void)state;
    open_ledger();
    spool_record(d, &one);
    spool_record(d, &two);
    assert_int_equal(ledger_step(ledger), LEDGER_HOLDS);
    assert_int_equal(ledger_step(ledger), LEDGER_HOLDS);
    assert_string_equal(contents(csv), "");
    spool_record(r, &of_one);
    assert_int_equal(ledger_step(ledger), LEDGER_BUSY);
    assert_int_equal(ledger_step(ledger), LEDGER_HOLDS);
    assert_string_equal(contents(csv), HEADER "r,from,,TLSv1.3,\r\nd,to,,TLSv1.3,0\r\n");
    spool_close(&d);
    assert_int_equal(ledger_step(ledger), LEDGER_HOLDS);
    clock_hold(1000000.6);
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "r,from,,TLSv1.3,\r\nd,to,,TLSv1.3,0\r\nd,to,,,\r\n");
    spool_close(&r);
}

/* Else it would wait for the clock to come there again. */
static void a_delivery_of_the_future_waits_for_nothing(void **state)
{
    struct spool *d = open_spool("delivered");
    struct record one = delivery_of("A1", "", 1000000 + 3600);

    (void)state;
    clock_hold(1000000);
    open_ledger();
    spool_record(d, &one);
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,to,,,\r\n");
    spool_close(&d);
}

static void what_nobody_heard_of_is_deferred(void **state)
{
    struct record r = delivery_of("A1", "mx.test", 1000000);

    (void)state;
    r.column[COLUMN_dsnAction] = SPAN("relayed");
    r.column[COLUMN_dsnStatus] = SPAN("2.0.0 (success)");
    intents_end(&r);
    assert_span(r.column[COLUMN_type], "t");
    assert_span(r.column[COLUMN_dsnAction], "delayed");
    assert_span(r.column[COLUMN_dsnStatus], "4.4.2 (bad connection)");
    assert_span(r.column[COLUMN_dsnDiag], "smtp;451 4.4.2 outcome unknown");
}

static void what_nobody_heard_of_says_how_it_came(void **state)
{
    struct spool *r = open_spool("received"), *d = open_spool("delivered");
    struct record one = reception_of("A1", "mx.test", 999990, "TLSv1.3");
    struct record two = delivery_of("A1", "mx.test", 1000000);

    (void)state;
    two.what = RECORD_INTENT;
    spool_record(r, &one);
    spool_record(d, &two);
    spool_close(&d);
    open_ledger();
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "r,from,,TLSv1.3,\r\n"
                                              "t,to,smtp;451 4.4.2 outcome unknown,TLSv1.3,10\r\n");
    spool_close(&r);
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
        WITH_ALL(a_delivery_finds_its_reception),
        WITH_ALL(receptions_are_rows_and_are_remembered),
        WITH_ALL(a_join_fills_only_gaps),
        WITH_ALL(a_delivery_waits_a_moment),
        WITH_ALL(a_delivery_of_the_future_waits_for_nothing),
        cmocka_unit_test(what_nobody_heard_of_is_deferred),
        WITH_ALL(what_nobody_heard_of_says_how_it_came),
        WITH_ALL(bad_lines_are_left_out),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
