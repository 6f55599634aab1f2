/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/reception.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "t/lib/heard.h"
#include "unit.h"

enum { RECEPTIONS };
static const char *const kinds[] = {"receptions", NULL};
static char folder[64];
static struct store *store;
static struct receptions *receptions;

static int make_store(void **state)
{
    char why[256];

    (void)state;
    snprintf(folder, sizeof folder, "/tmp/reception.XXXXXX");
    return (receptions = receptions_new()) && mkdtemp(folder) &&
                   (store = store_open(folder, kinds, 64 << 20, true, why, sizeof why))
               ? 0
               : -1;
}

static int remove_store(void **state)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    char path[128];

    (void)state;
    store_close(&store);
    receptions_free(&receptions);
    for (size_t i = 0; i < COUNT_OF(files); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        unlink(path);
    }
    return rmdir(folder);
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, make_store, remove_store)

static struct record received(const char *id, double at)
{
    struct record r = {.what = RECORD_RECEIVED, .at = at, .key = SPAN("k")};

    r.id_host = SPAN("mx.test");
    r.column[COLUMN_queueId] = span_of(id);
    r.column[COLUMN_srcType] = SPAN("smtp");
    r.column[COLUMN_srcMta] = SPAN("client.test (192.0.2.1)");
    r.column[COLUMN_rcvSourceIp] = SPAN("192.0.2.1");
    r.column[COLUMN_rcvSmtpUser] = SPAN("alice");
    r.column[COLUMN_rcvTlsProtocol] = SPAN("TLSv1.3");
    r.column[COLUMN_rcvTlsSni] = SPAN("mx.test");
    r.column[COLUMN_sourceRule] = SPAN("submission");
    record_add_header(&r, SPAN("X-Job"), SPAN("seven"));
    record_add_header(&r, SPAN("Subject"), SPAN("in"));
    return r;
}

static struct record delivered(const char *id, double at)
{
    struct record r = {.what = RECORD_ROW, .at = at, .key = SPAN("d")};

    r.id_host = SPAN("mx.test");
    r.column[COLUMN_queueId] = span_of(id);
    return r;
}

static void keep(struct store_txn *t, const char *id, double at)
{
    struct record r = received(id, at);

    assert_true(reception_keep(receptions, t, RECEPTIONS, &r));
}

static bool joins(struct store_txn *t, const char *id, double at)
{
    struct record d = delivered(id, at);

    return reception_join(t, RECEPTIONS, &d);
}

static void assert_column(const struct record *r, enum column c, const char *should)
{
    assert_int_equal(r->column[c].len, strlen(should));
    assert_memory_equal(r->column[c].at, should, strlen(should));
}

/* Of a line, so that what it says alike may be known. */
static void keep_line(struct store_txn *t, const char *id, const char *more)
{
    struct record_memory *memory;
    struct record r;
    char line[600];
    int len = snprintf(
        line, sizeof line,
        "{\"do\":\"received\",\"key\":\"k\",\"at\":1000.000000,\"queueId\":\"%s\"%s}", id, more);

    assert_true(reception_read(receptions, (struct span){line, (size_t)len}, &r, &memory));
    assert_true(reception_keep(receptions, t, RECEPTIONS, &r));
    record_forget(&memory);
}

/* Whether it is known from others before, or they said it otherwise. */
static void each_reception_keeps_what_it_says(void **state)
{
    static const struct {
        const char *id, *says, *mta, *user, *job;
    } cases[] = {
        {"A1", ",\"type\":\"r\",\"srcMta\":\"one\",\"sessionId\":\"S001\"", "one", "", ""},
        {"A2", ",\"type\":\"r\",\"srcMta\":\"one\",\"sessionId\":\"S001\"", "one", "", ""},
        {"A3", ",\"header_X-Job\":\"7\",\"type\":\"r\",\"srcMta\":\"one\",\"sessionId\":\"S001\"",
         "one", "", "7"},
        {"A4", ",\"rcvSmtpUser\":\"al\",\"type\":\"r\",\"srcMta\":\"one\",\"sessionId\":\"S001\"",
         "one", "al", ""},
        {"A5", ",\"type\":\"r\",\"srcMta\":\"one\",\"sessionId\":\"S001\"", "one", "", ""},
        {"B1", ",\"type\":\"r\",\"srcMta\":\"two\",\"sessionId\":\"S_001\"", "two", "", ""},
        {"B2", ",\"type\":\"r\",\"srcMta\":\"two\",\"sessionId\":\"S_001\"", "two", "", ""},
        {"A6", ",\"type\":\"r\",\"srcMta\":\"one\",\"sessionId\":\"S001\"", "one", "", ""},
        {"C1", ",\"srcMta\":\"three\"", "three", "", ""},
    };
    struct store_txn *t = store_begin(store);

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        keep_line(t, cases[i].id, cases[i].says);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct record d = delivered(cases[i].id, 1005);

        d.id_host = SPAN("");
        assert_true(reception_join(t, RECEPTIONS, &d));
        assert_column(&d, COLUMN_srcMta, cases[i].mta);
        assert_column(&d, COLUMN_rcvSmtpUser, cases[i].user);
        assert_true(span_is(record_header(&d, SPAN("X-Job")), cases[i].job));
    }
    store_abort(&t);
}

/* Who brought it is the reception's word; all else only where the delivery says nothing. */
static void a_delivery_takes_over_what_it_lacks(void **state)
{
    struct store_txn *t = store_begin(store);
    struct record d = delivered("A1", 1005);

    (void)state;
    keep(t, "A1", 1000);
    d.column[COLUMN_srcMta] = SPAN("mx.test (127.0.0.1)");
    d.column[COLUMN_sourceRule] = SPAN("own");
    record_add_header(&d, SPAN("subject"), SPAN("out"));
    assert_true(reception_join(t, RECEPTIONS, &d));
    assert_true(d.queued > 999.9 && d.queued < 1000.1);
    assert_column(&d, COLUMN_srcMta, "client.test (192.0.2.1)");
    assert_column(&d, COLUMN_srcType, "smtp");
    assert_column(&d, COLUMN_rcvSourceIp, "192.0.2.1");
    assert_column(&d, COLUMN_rcvSmtpUser, "alice");
    assert_column(&d, COLUMN_rcvTlsProtocol, "TLSv1.3");
    assert_column(&d, COLUMN_rcvTlsCipher, "");
    assert_column(&d, COLUMN_rcvTlsSni, "mx.test");
    assert_column(&d, COLUMN_sourceRule, "own");
    assert_true(span_is(record_header(&d, SPAN("x-job")), "seven"));
    assert_true(span_is(record_header(&d, SPAN("Subject")), "out"));
    assert_int_equal(d.header_count, 2);
    store_abort(&t);
}

/* All that is known of how it came, and nothing else. */
static void a_delivery_takes_over_each_column(void **state)
{
    static const enum column joined[] = {
        COLUMN_srcType,
        COLUMN_srcMta,
        COLUMN_rcvSourceIp,
        COLUMN_rcvDestinationIp,
        COLUMN_rcvSmtpUser,
        COLUMN_rcvTlsProtocol,
        COLUMN_rcvTlsCipher,
        COLUMN_rcvTlsGroup,
        COLUMN_rcvTlsVerify,
        COLUMN_rcvTlsClientSubject,
        COLUMN_rcvTlsClientFingerprint,
        COLUMN_rcvTlsSni,
        COLUMN_sourceRule,
        COLUMN_sourceReport,
    };
    struct store_txn *t = store_begin(store);
    struct record r = received("A1", 1000), d = delivered("A1", 1005);
    size_t count = 0;

    (void)state;
    for (int c = 0; c < COLUMN_COUNT; c++)
        if (c != COLUMN_queueId)
            r.column[c] = span_of(column_name((enum column)c));
    assert_true(reception_keep(receptions, t, RECEPTIONS, &r));
    assert_true(reception_join(t, RECEPTIONS, &d));
    for (size_t i = 0; i < COUNT_OF(joined); i++)
        assert_column(&d, joined[i], column_name(joined[i]));
    for (int c = 0; c < COLUMN_COUNT; c++)
        count += d.column[c].len > 0 && c != COLUMN_queueId;
    assert_int_equal(count, COUNT_OF(joined));
    store_abort(&t);
}

static void a_message_is_kept_once(void **state)
{
    struct store_txn *t = store_begin(store);

    (void)state;
    for (int i = 0; i < 5; i++)
        keep(t, "A1", 1000);
    assert_int_equal(store_count(t, RECEPTIONS), 1);
    keep(t, "A1", 2000); /* the id was used again */
    assert_int_equal(store_count(t, RECEPTIONS), 2);
    store_abort(&t);
}

/* Whatever stands in the store, wherever it is cut. */
static void a_torn_value_does_no_harm(void **state)
{
    static char key[] = "A1\0mx.test\0\0\0\0\0\0\0\0\1";
    char bytes[64];

    (void)state;
    for (unsigned seed = 0; seed < 300; seed++) {
        struct store_txn *t = store_begin(store);
        size_t len = seed % sizeof bytes;

        for (size_t i = 0; i < len; i++)
            bytes[i] = (char)(seed % 3 == 0 ? (seed + i) % 7 : (seed * 31 + i * i * 17) >> 2);
        assert_true(store_put(t, RECEPTIONS, (struct span){key, sizeof key - 1},
                              (struct span){bytes, len}, 0));
        assert_true(joins(t, "A1", 1000));
        store_abort(&t);
    }
}

static const char *numbered(char to[16], int i)
{
    snprintf(to, 16, "ID%06d", i);
    return to;
}

/* As many go as come, and more, so that a store never grows because of what is over. */
static void what_is_over_goes_as_fast_as_the_new_comes(void **state)
{
    const double week = 7 * 86400, now = 1000 + week + 100;
    struct store_txn *t = store_begin(store);
    char id[16];

    (void)state;
    for (int i = 0; i < 5000; i++)
        keep(t, numbered(id, i), 1000 + i / 100.0);
    for (int i = 5000; i < 7000; i++)
        keep(t, numbered(id, i), now);
    assert_true(reception_forget(receptions, t, RECEPTIONS, now, 2000, SIZE_MAX));
    assert_int_equal(store_count(t, RECEPTIONS), 7000 - 2 * 2000 - 256);
    assert_true(reception_forget(receptions, t, RECEPTIONS, now, 2000, SIZE_MAX));
    assert_int_equal(store_count(t, RECEPTIONS), 2000);
    assert_true(reception_forget(receptions, t, RECEPTIONS, now, 2000, SIZE_MAX));
    assert_int_equal(store_count(t, RECEPTIONS), 2000);
    assert_true(joins(t, numbered(id, 5000), now));
    store_abort(&t);
}

static void the_oldest_make_room(void **state)
{
    enum { MOST = 1 << 20, BATCH = 500, BATCHES = 40 };
    size_t largest = 0, crowded = 0;
    char id[16];

    (void)state;
    for (int b = 0; b < BATCHES; b++) {
        struct store_txn *t = store_begin(store);

        for (int i = 0; i < BATCH; i++)
            keep(t, numbered(id, b * BATCH + i), 1000 + b + i / 1000.0);
        crowded += !reception_forget(receptions, t, RECEPTIONS, 2000, BATCH, MOST);
        largest = store_size(t, RECEPTIONS) > largest ? store_size(t, RECEPTIONS) : largest;
        assert_true(joins(t, id, 3000));
        assert_true(store_commit(&t));
    }
    assert_true(crowded > 0 && crowded < BATCHES);
    assert_true(largest > MOST / 2 && largest < MOST + MOST / 2);

    struct store_txn *t = store_begin(store);

    assert_false(joins(t, numbered(id, 0), 3000));
    assert_true(joins(t, numbered(id, BATCHES * BATCH - 1), 3000));
    store_abort(&t);
}

/* Keeps `count` that came at `at`, a few at a time. How often it was full is added to `*full`. */
static void keep_some(double at, int count, size_t most, size_t *full)
{
    enum { BATCH = 20 };
    static int number;
    char id[16];

    for (int i = 0; i < count; i += BATCH) {
        struct store_txn *t = store_begin(store);

        for (int k = 0; k < BATCH; k++)
            keep(t, numbered(id, number++), at);
        *full += !reception_forget(receptions, t, RECEPTIONS, at, BATCH, most);
        assert_true(store_commit(&t));
    }
}

/* Some of those that are kept go as if their time were over, until they take so much at most. */
static void shrink_to(size_t most)
{
    struct store_txn *t = store_begin(store);

    while (store_size(t, RECEPTIONS) > most)
        assert_int_not_equal(store_expire(t, RECEPTIONS, 1e9, 10), 0);
    assert_true(store_commit(&t));
}

static size_t times_said(void)
{
    size_t count = 0;

    for (const char *at = heard_lines(); (at = strstr(at, "receptions-full")); at++)
        count++;
    return count;
}

/* However often it swings around its limit meanwhile. */
static void it_is_said_once_that_it_is_full(void **state)
{
    enum { MOST = 4 << 20, MANY = 40000 };
    size_t full = 0;

    (void)state;
    assert_int_equal(heard_begin(), 0);
    keep_some(1000, MANY, MOST, &full);
    size_t once = times_said(), often = full;

    shrink_to(MOST / 32 * 31); /* not below what it swings to */
    keep_some(2000, MANY / 4, MOST, &full);
    size_t not_again = times_said();

    shrink_to(MOST / 8 * 7);
    keep_some(3000, 20, MOST, &full); /* it is seen that they are fewer */
    keep_some(4000, MANY / 4, MOST, &full);
    size_t anew = times_said();

    heard_end();
    assert_true(often > 10 && full > often);
    assert_int_equal(once, 1);
    assert_int_equal(not_again, 0);
    assert_int_equal(anew, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(a_delivery_takes_over_what_it_lacks),
        WITH_STORE(a_delivery_takes_over_each_column),
        WITH_STORE(each_reception_keeps_what_it_says),
        WITH_STORE(a_message_is_kept_once),
        WITH_STORE(a_torn_value_does_no_harm),
        WITH_STORE(what_is_over_goes_as_fast_as_the_new_comes),
        WITH_STORE(the_oldest_make_room),
        WITH_STORE(it_is_said_once_that_it_is_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
