/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/steady.h"

#include "unit.h"

enum { DAY = 86400, T = 1000000000 };

/* clang-format off */
static const struct {
    const char *name;
    double last, doubt, now; /* at the start */
    double after, wall;      /* how long after, and how far the wall clock went meanwhile */
    bool believed;
} cases[] = {
    {"nothing is known",                   0,     0,    T,          60,       60,        false},
    {"nothing was known a day ago",        0,     0,    T,          DAY,      DAY,       true},
    {"a restart",                          T,     0,    T + 5,      60,       60,        true},
    {"a restart with doubts",              T,     DAY,  T + 5,      60,       60,        false},
    {"doubts go by while nobody runs",     T,     3600, T + 7200,   1,        1,         true},
    {"a little back at a restart",         T,     0,    T - 5,      60,       60,        true},
    {"far back at a restart",              T,     0,    T - 4000,   60,       60,        false},
    {"a year ahead at a restart",          T,     0,    T+365.*DAY, 60,       60,        false},
    {"off for a night",                    T,     0,    T + DAY/2,  60,       60,        true},
    {"off for two days",                   T,     0,    T + 2.*DAY, 60,       60,        false},
    {"off for two days, a day ago",        T,     0,    T + 2.*DAY, DAY,      DAY,       true},
    {"set by a minute",                    T,     0,    T + 5,      60,       120,       true},
    {"set ahead by a year",                T,     0,    T + 5,      60,       365.*DAY,  false},
    {"set back by a year",                 T,     0,    T + 5,      60,       -365.*DAY, false},
    {"a long sleep is no step",            T,     0,    T + 5,      9.*DAY,   9.*DAY,    true},
};
/* clang-format on */

static void test_steady(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct steady s;

        steady_start(&s, cases[i].last, cases[i].doubt, cases[i].now, 500);
        assert_row(steady_look(&s, cases[i].now + cases[i].wall, 500 + cases[i].after) ==
                       cases[i].believed,
                   cases[i].name);
    }
}

/* A wrong clock that is set right again raises the doubt anew, and then it ends. */
static void doubt_ends(void **state)
{
    struct steady s;
    double now = T, mono = 0;

    (void)state;
    steady_start(&s, T, 0, now, mono);
    assert_true(steady_look(&s, now += 60, mono += 60));
    assert_false(steady_look(&s, now += 300. * DAY, mono += 60));
    assert_false(steady_look(&s, now += DAY / 2, mono += DAY / 2));
    assert_false(steady_look(&s, now -= 300. * DAY, mono += 60));
    assert_false(steady_look(&s, now += DAY / 2, mono += DAY / 2));
    assert_true(steady_look(&s, now += DAY / 2, mono += DAY / 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_steady), cmocka_unit_test(doubt_ends)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
