/* SPDX-License-Identifier: Apache-2.0
 *
 * What a report is counted with: rosters that stay small, times, and what is asked for.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/report/count.h"
#include "cli/report/party.h"
#include "cli/report/roster.h"
#include "cli/report/stamp.h"

static void add(struct roster *r, const char *name, unsigned times)
{
    for (unsigned i = 0; i < times; i++) {
        struct roster_head *e = roster_get(r, span_of(name));

        assert_non_null(e);
        assert_string_equal(e->name, name);
        e->count++;
    }
}

static uint64_t count_of(const struct roster *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++) {
        const struct roster_head *e = roster_at(r, i);

        if (strcmp(e->name, name) == 0)
            return e->count;
    }
    return 0;
}

/* What others said a megabyte of is not remembered a thousand times. */
static void test_text(void **state)
{
    static char long_text[1 << 20];
    char *kept;

    (void)state;
    memset(long_text, 'x', sizeof long_text);
    memcpy(long_text + ROSTER_TEXT - 1, "\xc3\xa4", 2);
    kept = roster_text((struct span){long_text, sizeof long_text});
    assert_non_null(kept);
    assert_int_equal(strlen(kept), ROSTER_TEXT - 1);
    free(kept);
    kept = roster_text((struct span){NULL, 0});
    assert_string_equal(kept, "");
    free(kept);
    kept = roster_text(SPAN("a\nb"));
    assert_string_equal(kept, "a?b");
    free(kept);
}

/* Exact as long as all have room, against a plain array. */
static void test_exact(void **state)
{
    enum { NAMES = 500 };
    unsigned want[NAMES] = {0}, seed = 7;
    struct roster r;
    char name[32];

    (void)state;
    roster_init(&r, sizeof(struct roster_head), NAMES, NULL, NULL);
    for (unsigned i = 0; i < 20000; i++) {
        unsigned n = (unsigned)rand_r(&seed) % NAMES;

        snprintf(name, sizeof name, "%*u.example", (int)(n % 17), n);
        add(&r, name, 1);
        want[n]++;
    }
    assert_false(r.approximate);
    for (unsigned n = 0; n < NAMES; n++) {
        snprintf(name, sizeof name, "%*u.example", (int)(n % 17), n);
        assert_int_equal(count_of(&r, name), want[n]);
    }
    roster_clear(&r);
    assert_int_equal(r.count, 0);
    roster_clear(&r);
}

static void count_dropped(void *arg, void *entry)
{
    (void)entry;
    ++*(unsigned *)arg;
}

/* Never more than there may be; the frequent one stays and is exact; nothing is lost in sum. */
static void test_bounded(void **state)
{
    enum { MOST = 64, RARE = 20000 };
    unsigned dropped = 0;
    uint64_t sum = 0;
    struct roster r;
    char name[32];

    (void)state;
    roster_init(&r, sizeof(struct roster_head), MOST, count_dropped, &dropped);
    add(&r, "frequent", 3);
    for (unsigned i = 0; i < RARE; i++) {
        snprintf(name, sizeof name, "rare%u", i);
        add(&r, name, 1);
        add(&r, "frequent", i % 5 == 0);
        assert_true(r.count <= MOST);
    }
    assert_true(r.approximate);
    assert_int_equal(count_of(&r, "frequent"), 3 + RARE / 5);
    for (size_t i = 0; i < r.count; i++)
        sum += ((struct roster_head *)roster_at(&r, i))->count;
    assert_int_equal(sum + r.dropped, 3 + RARE / 5 + RARE);
    assert_int_equal(dropped + r.count, RARE + 1);
    roster_clear(&r);
    assert_int_equal(dropped, RARE + 1);
}

static void test_long_names(void **state)
{
    char name[2 * ROSTER_NAME];
    struct roster r;

    (void)state;
    memset(name, 'a', sizeof name);
    roster_init(&r, sizeof(struct roster_head), 4, NULL, NULL);
    for (size_t len = 0; len < sizeof name; len += 13)
        assert_non_null(roster_get(&r, (struct span){name, len}));
    assert_int_equal(r.count <= 4, true);
    assert_non_null(roster_get(&r, (struct span){NULL, 0}));
    roster_clear(&r);
}

/* Who was dropped comes back with what was wrong, and never as good as new. */
static void test_spoiled(void **state)
{
    struct parties p;
    char name[32];

    (void)state;
    parties_init(&p);
    party_count(parties_get(&p, SPAN("bad.example")), 5, PARTY_CLEAR, PARTY_NEW_TLS);
    party_count(parties_get(&p, SPAN("good.example")), 5, PARTY_TLS, PARTY_NEW_TLS);
    assert_true(parties_get(&p, SPAN("bad.example"))->spoiled);
    assert_false(parties_get(&p, SPAN("good.example"))->spoiled);
    for (unsigned i = 0; i < 2 * PARTIES_MOST; i++) {
        snprintf(name, sizeof name, "%u.example", i);
        for (int twice = 0; twice < 2; twice++)
            party_count(parties_get(&p, span_of(name)), 6, PARTY_TLS, PARTY_NEW_TLS);
    }
    assert_true(p.roster.approximate);
    assert_int_equal(parties_get(&p, SPAN("bad.example"))->head.count, 0);
    assert_true(parties_get(&p, SPAN("bad.example"))->spoiled);
    assert_false(parties_get(&p, SPAN("good.example"))->spoiled);
    parties_clear(&p);
    parties_clear(&p);
}

static const struct {
    const char *text;
    time_t at; /* -1: none */
} stamps[] = {
    {"2019-02-08 21:54:05+0000", 1549662845},
    {"2019-02-08 21:54:05", 1549662845},
    {"2019-02-08T21:54:05Z", 1549662845},
    {"2019-02-08 16:54:05-0500", 1549662845},
    {"2019-02-09 03:24:05+05:30", 1549662845},
    {"1970-01-01 00:00:00+0000", 0},
    {"2000-02-29 00:00:00+0000", 951782400},
    {"2024-12-31 23:59:60+0000", 1735689600},
    {"1549662845", 1549662845},
    {"1549662845.25", 1549662845},
    {"0", 0},
    {"", -1},
    {"x", -1},
    {"-1", -1},
    {"2019-02-29 00:00:00+0000", -1},
    {"1900-02-29 00:00:00+0000", -1},
    {"2100-02-29 00:00:00+0000", -1},
    {"1969-12-31 00:00:00+0000", -1},
    {"2019-13-01 00:00:00+0000", -1},
    {"2019-01-01 24:00:00+0000", -1},
    {"2019-01-01 00:60:00+0000", -1},
    {"2019-01-01 00:00:61+0000", -1},
    {"2019-01-01 00:00:00 UTC", -1},
    {"2019-01-01 00:00", -1},
    {"02/08/2019 21:54:05", -1},
    {"123456789012345", -1},
};

static void test_stamps(void **state)
{
    char text[STAMP_TEXT];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(stamps); i++) {
        time_t at = -1;
        bool ok = stamp_read(span_of(stamps[i].text), &at);

        assert_row(ok == (stamps[i].at >= 0) && (!ok || at == stamps[i].at), stamps[i].text);
    }
    for (int64_t day = 0; day < 60000; day += 17) {
        int64_t again;

        assert_true(stamp_date(span_of(stamp_date_text(day, text)), &again));
        assert_int_equal(again, day);
    }
    assert_string_equal(stamp_text(1549662845, text), "2019-02-08 21:54:05+0000");
}

static void test_wishes(void **state)
{
    static const struct {
        const char *text;
        bool whole;
        time_t at;
    } times[] = {
        {"1970-01-03", false, 2 * 86400},
        {"1970-01-03", true, 3 * 86400},
        {"1970-01-03 01:00", true, 2 * 86400 + 3600},
        {"1970-01-03 01:00:07", false, 176407},
        {"2d", false, 1000000 - 172800},
        {"30m", true, 1000000 - 1800},
        {"900w", false, 1},
        {"3", false, -1},
        {"", false, -1},
        {"d", false, -1},
        {"1y", false, -1},
        {"1970-01-3", false, -1},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        time_t at = -1;
        bool ok = wish_time(times[i].text, 1000000, times[i].whole, &at);

        assert_row(ok == (times[i].at >= 0) && at == times[i].at, times[i].text);
    }
}

/* A row of nothing, and of more than anybody would say. */
static void test_odd_rows(void **state)
{
    static char junk[100000];
    struct span cell[FIELD_COUNT];
    struct wish wish;
    struct count *c;
    const char *why;

    (void)state;
    wish_init(&wish);
    c = count_new(&wish);
    assert_non_null(c);
    memset(junk, '@', sizeof junk);
    for (size_t kind = 0; kind < 4; kind++)
        for (const char *type = "dbtrq"; *type; type++) {
            for (size_t i = 0; i < FIELD_COUNT; i++)
                cell[i] =
                    (struct span){kind ? junk : NULL, kind > 1 ? sizeof junk >> (kind * 3) : 0};
            cell[FIELD_type] = *type == 'q' ? SPAN("tq") : (struct span){type, 1};
            cell[FIELD_timeLogged] = kind == 3 ? SPAN("1549662845") : SPAN("");
            assert_true(count_row(c, cell, &why));
        }
    cell[FIELD_timeLogged] = SPAN("yesterday");
    assert_false(count_row(c, cell, &why));
    struct report *r = count_report(c);

    assert_int_equal(r->rows, 21);
    assert_int_equal(r->counted, 20);
    assert_int_equal(r->bad, 1);
    assert_int_equal(r->out.way.messages, 4);
    assert_int_equal(r->out.way.unknown, 1);
    assert_int_equal(r->out.way.clear, 1);
    assert_int_equal(r->day_count, 1);
    assert_int_equal(r->failures.total, 12);
    count_free(&c);
    count_free(&c);
    wish_clear(&wish);
}

/* The time of the row before is at hand; one that was none does not spoil it. */
static void test_same_time(void **state)
{
    static const char *const times[] = {"1549662845", "154966284x", "1549662845", "1549662846"};
    struct span cell[FIELD_COUNT] = {{NULL, 0}};
    struct wish wish;
    struct count *c;
    const char *why;

    (void)state;
    wish_init(&wish);
    c = count_new(&wish);
    assert_non_null(c);
    cell[FIELD_type] = SPAN("d");
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        cell[FIELD_timeLogged] = span_of(times[i]);
        assert_int_equal(count_row(c, cell, &why), i != 1);
    }
    struct report *r = count_report(c);

    assert_int_equal(r->first, 1549662845);
    assert_int_equal(r->last, 1549662846);
    assert_int_equal(r->day_count, 1);
    count_free(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),      cmocka_unit_test(test_exact),
        cmocka_unit_test(test_bounded),   cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_spoiled),   cmocka_unit_test(test_stamps),
        cmocka_unit_test(test_wishes),    cmocka_unit_test(test_odd_rows),
        cmocka_unit_test(test_same_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
