/* SPDX-License-Identifier: Apache-2.0
 *
 * Failures within a time, over all workers; and how such a rate is written.
 */
#include "keep/strikes.h"

#include "t/unit/unit.h"

#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *text;
    bool good;
    unsigned count, seconds;
} rates[] = {
    {"unlimited", true, 0, 0},
    {"Unlimited", true, 0, 0},
    {"10/h", true, 10, 3600},
    {"10/1h", true, 10, 3600},
    {"3/5m", true, 3, 300},
    {"3/5MIN", true, 3, 300},
    {"1/d", true, 1, 86400},
    {"1/2day", true, 1, 172800},
    {"7/30s", true, 7, 30},
    {"7/sec", true, 7, 1},
    {"4000/366d", true, 4000, 366 * 86400},
    {"", false, 0, 0},
    {"0/h", false, 0, 0},
    {"10", false, 0, 0},
    {"10/", false, 0, 0},
    {"/h", false, 0, 0},
    {"10/0h", false, 0, 0},
    {"10/5", false, 0, 0},
    {"10/hour", false, 0, 0},
    {"10/w", false, 0, 0},
    {"4001/h", false, 0, 0},
    {"1/367d", false, 0, 0},
    {"1/99999999999999999999s", false, 0, 0},
    {"-1/h", false, 0, 0},
    {"1/-1h", false, 0, 0},
    {"1 / h", false, 0, 0},
    {"10/h ", false, 0, 0},
    {"10//h", false, 0, 0},
};

static void test_rates(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rates); i++) {
        struct rate r = {99, 99};

        assert_row(rate_read(span_of(rates[i].text), &r) == rates[i].good, rates[i].text);
        assert_row(r.count == (rates[i].good ? rates[i].count : 99), rates[i].text);
        assert_row(r.seconds == (rates[i].good ? rates[i].seconds : 99), rates[i].text);
    }
}

static uint64_t key_of(const struct strikes *s, unsigned n)
{
    return strikes_key(s, (struct span){(const char *)&n, sizeof n});
}

static void test_window(void **state)
{
    static const struct rate three = {3, 60}, one = {1, 60}, none = {0};
    struct strikes *s = strikes_new();
    uint64_t a = key_of(s, 1), b = key_of(s, 2);

    (void)state;
    assert_true(strikes_try(s, a, &three, 1000));
    assert_true(strikes_try(s, a, &three, 1030));
    assert_false(strikes_is_out(s, a, &three, 1030));
    assert_true(strikes_try(s, a, &three, 1059));
    assert_true(strikes_is_out(s, a, &three, 1059));
    assert_false(strikes_try(s, a, &three, 1059));
    assert_false(strikes_is_out(s, b, &three, 1059));
    assert_true(strikes_is_out(s, a, &one, 1059)); /* another section's rate */
    assert_false(strikes_is_out(s, a, &none, 1059));
    assert_true(strikes_try(s, a, &none, 1059));
    /* The window began with the first. */
    assert_false(strikes_is_out(s, a, &three, 1060));
    assert_true(strikes_try(s, a, &three, 1060));
    assert_false(strikes_is_out(s, a, &three, 1119));
    assert_true(strikes_is_out(s, a, &one, 1119));
    assert_false(strikes_is_out(s, a, &one, 1121));
    assert_true(strikes_try(s, a, &one, 9999));
    strikes_free(&s);
    assert_null(s);
}

static void test_pardon(void **state)
{
    static const struct rate two = {2, 60};
    struct strikes *s = strikes_new();
    uint64_t a = key_of(s, 1);

    (void)state;
    for (int i = 0; i < 10; i++) {
        assert_true(strikes_try(s, a, &two, 1));
        strikes_pardon(s, a, 1);
    }
    assert_true(strikes_try(s, a, &two, 1));
    assert_true(strikes_try(s, a, &two, 2));
    assert_false(strikes_try(s, a, &two, 2));
    strikes_pardon(s, a, 3);
    assert_true(strikes_try(s, a, &two, 3));
    strikes_pardon(s, key_of(s, 2), 3); /* of whom nothing is known */
    strikes_pardon(s, a, 100);          /* nor of this one any more */
    assert_false(strikes_is_out(s, a, &two, 100));
    strikes_free(&s);
}

/* Whoever is out stays so while a crowd of others fails; some of the crowd are forgotten. */
static void test_crowd(void **state)
{
    static const struct rate three = {3, 3600};
    struct strikes *s = strikes_new();
    uint64_t a = key_of(s, 0);

    (void)state;
    for (int i = 0; i < 3; i++)
        assert_true(strikes_try(s, a, &three, 1));
    for (unsigned i = 1; i < 300000; i++)
        assert_true(strikes_try(s, key_of(s, i), &three, 2));
    assert_true(strikes_is_out(s, a, &three, 3));
    strikes_free(&s);
}

/* Of ever so many at once, in several processes, no more get through than may. */
static void test_workers(void **state)
{
    static const struct rate rate = {1000, 3600};
    enum { KEYS = 50, CHILDREN = 3 };
    struct strikes *s = strikes_new();
    unsigned sum = 0, got = 0;
    int start[2], results[2];

    (void)state;
    assert_int_equal(pipe(start), 0);
    assert_int_equal(pipe(results), 0);
    for (int i = 0; i < CHILDREN; i++) {
        if (fork() != 0)
            continue;
        close(start[1]);
        (void)!read(start[0], &got, 1); /* all at once: when it is closed */
        for (unsigned k = 0; k < KEYS * 900; k++)
            got += strikes_try(s, key_of(s, k / 900), &rate, 5);
        _exit(write(results[1], &got, sizeof got) != sizeof got);
    }
    close(start[1]);
    for (int i = 0; i < CHILDREN; i++) {
        assert_int_equal(read(results[0], &got, sizeof got), sizeof got);
        sum += got;
        assert_true(wait(NULL) > 0);
    }
    assert_int_equal(sum, KEYS * 1000);
    close(start[0]);
    close(results[0]);
    close(results[1]);
    strikes_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rates), cmocka_unit_test(test_window),  cmocka_unit_test(test_pardon),
        cmocka_unit_test(test_crowd), cmocka_unit_test(test_workers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
