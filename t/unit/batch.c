/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/batch.h"

#include <stdio.h>

#include "base/clock.h"
#include "t/lib/books.h"

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
    settings.relay_listener_count = 1;
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

/* They would be for nobody; from the moment on that there is somebody they are kept. */
static void receptions_are_not_remembered_where_nobody_delivers(void **state)
{
    struct spool *r = open_spool("received"), *d;
    struct record first = reception_of("A1", "mx.test", 1000000, "TLSv1.3");
    struct record second = reception_of("A2", "mx.test", 1000000, "TLSv1.2");
    struct record of_first = delivery_of("A1", "mx.test", 999999);
    struct record of_second = delivery_of("A2", "mx.test", 999999);

    (void)state;
    open_ledger();
    spool_record(r, &first);
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "r,from,,TLSv1.3,\r\n");
    d = open_spool("delivered");
    spool_record(r, &second);
    step_to_the_end();
    spool_record(d, &of_first);
    spool_record(d, &of_second);
    step_to_the_end();
    assert_non_null(strstr(contents(csv), "r,from,,TLSv1.2,\r\nd,to,,,\r\nd,to,,TLSv1.2,0\r\n"));
    spool_close(&r);
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

/* What failed is not mended by what could be done behind it. */
static void one_failure_fails_all(void **state)
{
    struct batch b = {.changed = false};

    (void)state;
    batch_keep(&b, true);
    assert_true(b.changed && !b.failed);
    batch_keep(&b, false);
    batch_keep(&b, true);
    assert_true(b.failed);
}

static void an_outcome_without_its_intent_is_a_row(void **state)
{
    struct spool *d = open_spool("delivered");

    (void)state;
    open_ledger();
    spool_row(d, RECORD_OUTCOME, "d", "to");
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,to,,,\r\n");
    spool_close(&d);
}

/* While an outcome waits for its reception, what its intent said waits too. */
static void an_outcome_that_waits_keeps_its_intent(void **state)
{
    struct spool *d = open_spool("delivered");
    struct record intent = delivery_of("A1", "", 1000000), outcome = delivery_of("A1", "", 1000000);

    (void)state;
    intent.what = RECORD_INTENT;
    outcome.what = RECORD_OUTCOME;
    outcome.column[COLUMN_orig] = SPAN("");
    open_ledger();
    spool_record(d, &intent);
    spool_record(d, &outcome);
    assert_int_equal(ledger_step(ledger), LEDGER_BUSY); /* the intent is kept */
    clock_hold(1000000.4);
    assert_int_equal(ledger_step(ledger), LEDGER_HOLDS);
    clock_hold(1000000.6);
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,to,,,\r\n");
    spool_close(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ALL(a_delivery_finds_its_reception),
        WITH_ALL(receptions_are_rows_and_are_remembered),
        WITH_ALL(receptions_are_not_remembered_where_nobody_delivers),
        WITH_ALL(a_join_fills_only_gaps),
        WITH_ALL(a_delivery_waits_a_moment),
        WITH_ALL(a_delivery_of_the_future_waits_for_nothing),
        cmocka_unit_test(what_nobody_heard_of_is_deferred),
        WITH_ALL(what_nobody_heard_of_says_how_it_came),
        cmocka_unit_test(one_failure_fails_all),
        WITH_ALL(an_outcome_without_its_intent_is_a_row),
        WITH_ALL(an_outcome_that_waits_keeps_its_intent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
