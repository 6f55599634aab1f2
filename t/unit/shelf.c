/* SPDX-License-Identifier: Apache-2.0
 *
 * How long an MTA-STS policy is held, and what of it comes back.
 */
#include "sts/shelf.h"
#include "sts/sts_answer.h"

#include <stdio.h>

#include "unit.h"

static const struct kept sample = {
    .fetched = 1000,
    .id = "7",
    .policy = {.mode = STS_ENFORCE, .max_age = 100, .count = 1, .mx = {"*.a.test"}}};

static const struct {
    const char *name;
    double now;
    bool is;
} times[] = {
    {"at once", 1000, true},
    {"within its max_age", 1099, true},
    {"no longer (RFC 8461, 3.2)", 1100, false},
    {"the clock is a little back", 999.5, true},
    {"the clock was set back: it may not live longer for that", 990, false},
};

static void test_life(void **state)
{
    struct shelf *s = shelf_new(NULL);
    struct kept got;

    (void)state;
    shelf_put(s, "a.test", &sample);
    for (size_t i = 0; i < COUNT_OF(times); i++)
        assert_row(shelf_get(s, "a.test", times[i].now, &got) == times[i].is, times[i].name);
    assert_false(shelf_get(s, "b.test", 1000, &got));
    shelf_free(&s);
}

static void test_what_it_was(void **state)
{
    struct shelf *s = shelf_new(NULL);
    struct kept other = sample, got;

    (void)state;
    shelf_put(s, "a.test", &sample);
    assert_true(shelf_get(s, "a.test", 1001, &got));
    assert_string_equal("7", got.id);
    assert_int_equal(STS_ENFORCE, got.policy.mode);
    assert_int_equal(100, got.policy.max_age);
    assert_int_equal(1, got.policy.count);
    assert_string_equal("*.a.test", got.policy.mx[0]);
    other.policy.mode = STS_TESTING;
    (void)snprintf(other.id, sizeof other.id, "8");
    shelf_put(s, "a.test", &other);
    assert_true(shelf_get(s, "a.test", 1001, &got));
    assert_string_equal("8", got.id);
    assert_int_equal(STS_TESTING, got.policy.mode);
    shelf_forget(s, "a.test");
    assert_false(shelf_get(s, "a.test", 1001, &got));
    shelf_free(&s);
}

/* What workers are told of it, and whether they may use that again. */
static void test_told(void **state)
{
    static const struct {
        bool kept;
        enum sts_trouble trouble;
        bool lasts;
    } rows[] = {{false, STS_FINE, true},         /* there is no policy */
                {false, STS_FETCH_ERROR, false}, /* there may be one */
                {false, STS_INVALID, false},
                {true, STS_FINE, false}, /* who forgets it is heeded at once */
                {true, STS_FETCH_ERROR, false}};
    static struct answer a;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        sts_answer(&a, 5, rows[i].kept ? &sample : NULL, rows[i].trouble);
        assert_int_equal(5, a.number);
        assert_int_equal(ANSWER_OK, a.status);
        assert_int_equal(rows[i].trouble, a.sts.trouble);
        assert_int_equal(rows[i].lasts, a.lasts > 0);
        assert_int_equal(rows[i].kept ? STS_ENFORCE : STS_NONE, a.sts.mode);
        assert_int_equal(rows[i].kept, a.count);
        assert_string_equal(rows[i].kept ? "7" : "", a.sts.id);
        assert_true(!rows[i].kept || !strcmp("*.a.test", a.sts.mx[0]));
        assert_true(answer_is_whole(&a, answer_size(&a)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_life),
                                       cmocka_unit_test(test_what_it_was),
                                       cmocka_unit_test(test_told)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
