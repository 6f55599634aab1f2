/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers over all workers: never more than may be, and what a dead worker had is given back.
 */
#include "keep/tally.h"

#include "t/unit/unit.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/siphash.h"

enum { ANY = 1 << 20 };

static void test_siphash(void **state)
{
    /* The reference's own: key and text are 00 01 02 ... (siphash24.c, vectors_sip64). */
    static const struct {
        size_t len;
        uint64_t hash;
    } vectors[] = {
        {0, 0x726fdb47dd0e0e31u},
        {1, 0x74f839c593dc67fdu},
        {8, 0x93f5f5799a932462u},
        {15, 0xa129ca6149be45e5u},
    };
    static const uint64_t key[2] = {0x0706050403020100u, 0x0f0e0d0c0b0a0908u};
    char text[16];

    (void)state;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)i;
    for (size_t i = 0; i < COUNT_OF(vectors); i++)
        assert_true(siphash(key, (struct span){text, vectors[i].len}) == vectors[i].hash);
}

static void test_most(void **state)
{
    struct tally *t = tally_new(3, 10);
    uint64_t a = tally_key(t, SPAN("a")), b = tally_key(t, SPAN("b"));

    (void)state;
    assert_int_equal(tally_count(t, a), 0);
    assert_true(tally_take(t, 0, a, 3));
    assert_true(tally_take(t, 1, a, 3));
    assert_true(tally_take(t, 1, a, 3));
    assert_false(tally_take(t, 2, a, 3));
    assert_false(tally_take(t, 1, a, 3));
    assert_int_equal(tally_count(t, a), 3);
    assert_true(tally_take(t, 2, b, 1));
    assert_false(tally_take(t, 2, b, 1));
    assert_false(tally_take(t, 2, tally_key(t, SPAN("c")), 0));
    tally_give(t, 1, a);
    assert_int_equal(tally_count(t, a), 2);
    assert_true(tally_take(t, 2, a, 3));
    assert_int_equal(tally_count(t, a), 3);
    assert_int_equal(tally_count(t, b), 1);
    tally_free(&t);
    assert_null(t);
}

static uint64_t number_key(const struct tally *t, unsigned n)
{
    return tally_key(t, (struct span){(const char *)&n, sizeof n});
}

/* As many as there is room for come and go, again and again. */
static void test_many(void **state)
{
    enum { KEYS = 2000 };
    struct tally *t = tally_new(2, KEYS);

    (void)state;
    for (unsigned round = 0; round < 5; round++) {
        for (unsigned i = 0; i < KEYS; i++)
            assert_true(tally_take(t, 1, number_key(t, round * 1000 + i), 1));
        for (unsigned i = 0; i < KEYS; i++)
            assert_int_equal(tally_count(t, number_key(t, round * 1000 + i)), 1);
        for (unsigned i = 0; i < KEYS; i++)
            tally_give(t, 1, number_key(t, round * 1000 + i));
    }
    for (unsigned i = 0; i < 7 * KEYS; i++)
        assert_int_equal(tally_count(t, number_key(t, i)), 0);
    tally_free(&t);
}

/* Beyond all room it says no, and what is there stays right. */
static void test_full(void **state)
{
    struct tally *t = tally_new(1, 1);
    unsigned taken = 0;

    (void)state;
    for (unsigned i = 0; i < 5000; i++)
        taken += tally_take(t, 0, number_key(t, i), 1);
    assert_in_range(taken, 1, 4999);
    for (unsigned i = 0; i < 5000; i++)
        if (tally_count(t, number_key(t, i)) == 1)
            tally_give(t, 0, number_key(t, i)), taken--;
    assert_int_equal(taken, 0);
    tally_free(&t);
}

/* Workers take and give as fast as they can: there are never more than four at once, and one that
 * is killed has nothing left once its part is cleared. */
static void compete(struct tally *t, unsigned part, uint64_t key)
{
    for (unsigned i = 0; i < 20000; i++) {
        if (!tally_take(t, part, key, 4))
            continue;
        /* Others may have counted themselves in and not out again yet: two for each. */
        if (tally_count(t, key) > 4 + 2)
            _exit(1);
        tally_give(t, part, key);
    }
    if (!tally_take(t, part, key, ANY))
        _exit(2);
    raise(SIGKILL);
}

static void test_workers(void **state)
{
    struct tally *t = tally_new(3, 4);
    uint64_t key = tally_key(t, SPAN("x"));
    pid_t pids[3];

    (void)state;
    for (unsigned i = 0; i < COUNT_OF(pids); i++)
        if ((pids[i] = fork()) == 0)
            compete(t, i, key);
    for (unsigned i = 0; i < COUNT_OF(pids); i++) {
        int status;

        assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
        assert_true(WIFSIGNALED(status));
    }
    assert_int_equal(tally_count(t, key), 3);
    tally_clear(t, 1);
    tally_clear(t, 1);
    assert_int_equal(tally_count(t, key), 2);
    assert_true(tally_take(t, 1, key, 3));
    tally_clear(t, 0);
    tally_clear(t, 2);
    assert_int_equal(tally_count(t, key), 1);
    tally_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_siphash), cmocka_unit_test(test_most),    cmocka_unit_test(test_many),
        cmocka_unit_test(test_full),    cmocka_unit_test(test_workers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
