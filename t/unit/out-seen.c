/* SPDX-License-Identifier: Apache-2.0
 *
 * What is told when a domain shows TLS: once in a while, and never forgotten for another's sake.
 */
#include "proxy-out/seen.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

#include "unit.h"

/* In the place of the teller. */
static struct {
    unsigned count;
    bool is_full;
    double lasts;
    char key[64];
} last;

struct told *teller_tell(struct teller *t, const struct note *n)
{
    (void)t;
    assert_int_equal(NOTE_SEEN, n->kind);
    last.count++;
    last.lasts = n->until - clock_now();
    (void)snprintf(last.key, sizeof last.key, "%.*s", SPAN_ARG(note_key(n)));
    return last.is_full ? NULL : (struct told *)&last;
}

void teller_leave(struct teller *t, struct told **one)
{
    (void)t;
    *one = NULL;
}

/* How often it is told. */
static unsigned tell(struct worker *w, const char *domain, double at, unsigned long seconds)
{
    unsigned before = last.count;

    clock_hold(at);
    seen_tell(w, domain, seconds);
    clock_hold(-1);
    return last.count - before;
}

static void test_again(void **state)
{
    struct worker w = {.seen = seen_new()};

    (void)state;
    last.is_full = false;
    assert_int_equal(1, tell(&w, "a.test", 1000, 86400));
    assert_string_equal("a.test", last.key);
    assert_true(last.lasts == 86400);
    assert_int_equal(0, tell(&w, "a.test", 1000, 86400));
    assert_int_equal(0, tell(&w, "a.test", 1000 + 3599, 86400));
    assert_int_equal(1, tell(&w, "a.test", 1000 + 3600, 86400)); /* each hour */
    assert_int_equal(0, tell(&w, "a.test", 4699, 200));
    assert_int_equal(1, tell(&w, "a.test", 4700, 200)); /* and well before it ends */
    seen_clear(w.seen);
    assert_int_equal(1, tell(&w, "a.test", 4700, 86400));
    seen_free(&w.seen);
}

static void test_not_taken(void **state)
{
    struct worker w = {.seen = seen_new()};

    (void)state;
    last.is_full = true;
    assert_int_equal(1, tell(&w, "a.test", 1000, 86400));
    assert_int_equal(1, tell(&w, "a.test", 1001, 86400));
    last.is_full = false;
    assert_int_equal(1, tell(&w, "a.test", 1002, 86400));
    assert_int_equal(0, tell(&w, "a.test", 1003, 86400));
    seen_free(&w.seen);
}

/* More than there are places: each is told, whoever had its place. */
static void test_many(void **state)
{
    struct worker w = {.seen = seen_new()};

    (void)state;
    last.is_full = false;
    for (unsigned i = 0; i < 6000; i++) {
        char name[32];

        (void)snprintf(name, sizeof name, "d%u.test", i);
        assert_int_equal(1, tell(&w, name, 1000, 86400));
        assert_string_equal(name, last.key);
    }
    seen_free(&w.seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_again),
                                       cmocka_unit_test(test_not_taken),
                                       cmocka_unit_test(test_many)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
