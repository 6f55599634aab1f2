/* SPDX-License-Identifier: Apache-2.0 */
#include "way/recent.h"

#include <stdio.h>

#include "unit.h"

static struct question question(enum question_kind kind, const char *name, unsigned port)
{
    struct question q = {.kind = kind, .port = port};

    (void)snprintf(q.name, sizeof q.name, "%s", name);
    return q;
}

static void put(struct recent *r, const struct question *q, uint32_t lasts, double now)
{
    struct answer a = {.kind = q->kind, .status = ANSWER_OK, .lasts = lasts, .count = 1};

    recent_put(r, q, &a, now);
}

static const struct {
    const char *name;
    uint32_t lasts;
    double after; /* seconds */
    bool is;
} cases[] = {
    {"at once", 60, 0, true},
    {"within its life", 2, 1.9, true},
    {"when its records have ended", 2, 2, false},
    {"after a moment, however long they hold", 86400, 4.9, true},
    {"no longer", 86400, 5, false},
    {"what does not hold at all", 0, 0, false},
};

static void lives(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct question q = question(QUESTION_MAIL, "a.test", 0);
        struct recent *r = recent_new();

        put(r, &q, cases[i].lasts, 100);
        assert_row((recent_get(r, &q, 100 + cases[i].after) != NULL) == cases[i].is, cases[i].name);
        recent_free(&r);
    }
}

static void only_the_same(void **state)
{
    struct question all[] = {
        question(QUESTION_TLSA, "mx.a.test", 25), question(QUESTION_TLSA, "mx.a.test", 465),
        question(QUESTION_TLSA, "mx.b.test", 25), question(QUESTION_HOST, "mx.a.test", 25)};
    struct recent *r = recent_new();

    (void)state;
    put(r, &all[0], 60, 1);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        assert_int_equal(i == 0, recent_get(r, &all[i], 1) != NULL);
    put(r, &all[0], 0, 2); /* what is no longer known is not what was known before */
    assert_null(recent_get(r, &all[0], 2));
    recent_free(&r);
}

/* More names than there are places: the last one is always there, and nothing is mixed up. */
static void crowded(void **state)
{
    struct recent *r = recent_new();

    (void)state;
    for (unsigned i = 0; i < 3000; i++) {
        struct question q, other;
        char name[32];

        (void)snprintf(name, sizeof name, "n%u.test", i);
        q = question(QUESTION_HOST, name, 0);
        (void)snprintf(name, sizeof name, "n%u.test", i + 3000);
        other = question(QUESTION_HOST, name, 0);
        put(r, &q, 60, 1);
        assert_non_null(recent_get(r, &q, 1));
        assert_null(recent_get(r, &other, 1));
    }
    recent_free(&r);
    recent_free(&r);
}

static void without_memory(void **state)
{
    struct question q = question(QUESTION_HOST, "a.test", 0);

    (void)state;
    put(NULL, &q, 60, 1);
    assert_null(recent_get(NULL, &q, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lives),
        cmocka_unit_test(only_the_same),
        cmocka_unit_test(crowded),
        cmocka_unit_test(without_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
