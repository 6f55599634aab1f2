/* SPDX-License-Identifier: Apache-2.0 */
#include "net/records.h"

#include <openssl/crypto.h>

#include "t/lib/poison.h"
#include "unit.h"

enum { MANY = RECORDS_KEPT + 40 };

/* What lies close together was not the heap's. */
static bool are_neighbours(const char *a, const char *b, ptrdiff_t slot)
{
    return (a < b ? b - a : a - b) == slot;
}

static void records_have_a_place_of_their_own(void **state)
{
    char *small = OPENSSL_malloc(100), *large = OPENSSL_malloc(RECORDS_SLOT + 1);
    char *one = OPENSSL_malloc(RECORDS_LEAST), *two = OPENSSL_malloc(RECORDS_SLOT);

    (void)state;
    assert_true(small && large && one && two);
    assert_true(are_neighbours(one, two, RECORDS_SLOT));
    memset(one, 1, RECORDS_LEAST);
    memset(two, 2, RECORDS_SLOT);
    memset(large, 3, RECORDS_SLOT + 1);
    assert_int_equal(one[RECORDS_LEAST - 1], 1);
    OPENSSL_free(one);
    assert_ptr_equal(OPENSSL_malloc(RECORDS_LEAST + 1), one); /* the last that was given back */
    OPENSSL_free(one);
    OPENSSL_free(two);
    OPENSSL_free(small);
    OPENSSL_free(large);
}

static void what_grows_keeps_what_it_holds(void **state)
{
    char *at = records_resize(NULL, RECORDS_LEAST), *there, *then;

    (void)state;
    assert_non_null(at);
    memset(at, 'a', RECORDS_LEAST);
    assert_ptr_equal(records_resize(at, RECORDS_SLOT), at);
    memset(at, 'b', RECORDS_SLOT);
    there = records_resize(at, 2 * RECORDS_SLOT);
    assert_true(there && there != at);
    for (size_t i = 0; i < RECORDS_SLOT; i++)
        assert_int_equal(there[i], 'b');
    memset(there, 'c', 2 * RECORDS_SLOT);
    then = records_get(RECORDS_LEAST);
    assert_ptr_equal(then, at); /* it was given back */
    assert_null(records_resize(then, 0));
    assert_ptr_equal(records_get(RECORDS_LEAST), at);
    records_give(at);
    records_give(there);
    records_give(NULL);
}

/* The same place for pages, as for records; what outgrows one goes to the other. */
static void pages_have_theirs(void **state)
{
    static char *at[MANY];
    char *small = OPENSSL_malloc(PAGES_LEAST - 1), *large = OPENSSL_malloc(PAGES_SLOT + 1);
    char *one = OPENSSL_malloc(PAGES_LEAST), *two = OPENSSL_malloc(PAGES_SLOT), *there;
    size_t empty = 0;

    (void)state;
    assert_true(small && large && one && two);
    assert_true(are_neighbours(one, two, PAGES_SLOT));
    memset(small, 1, PAGES_LEAST - 1);
    memset(large, 1, PAGES_SLOT + 1);
    memset(two, 'b', PAGES_SLOT);
    memset(one, 'a', PAGES_LEAST);
    assert_ptr_equal(records_resize(one, PAGES_SLOT), one);
    memset(one, 'a', PAGES_SLOT);
    there = records_resize(one, RECORDS_SLOT);
    assert_non_null(there);
    memset(there + PAGES_SLOT, 'c', RECORDS_SLOT - PAGES_SLOT);
    for (size_t i = 0; i < PAGES_SLOT; i++)
        assert_true(there[i] == 'a' && two[i] == 'b');
    assert_ptr_equal(records_get(PAGES_LEAST), one); /* it was given back */
    records_give(there);
    records_give(one);
    records_give(two);
    records_give(small);
    records_give(large);

    for (size_t i = 0; i < MANY; i++) {
        assert_non_null(at[i] = records_get(PAGES_LEAST));
        memset(at[i], 'x', PAGES_LEAST);
    }
    for (size_t i = 0; i < MANY; i++)
        records_give(at[i]);
    for (size_t i = 0; i < MANY; i++) {
        assert_non_null(at[i] = records_get(PAGES_LEAST));
        empty += at[i][0] == '\0';
    }
    assert_int_equal(empty, MANY - RECORDS_KEPT);
    for (size_t i = 0; i < MANY; i++)
        records_give(at[i]);
}

static void pages_go_back_but_for_some(void **state)
{
    static char *at[MANY];
    size_t as_left = 0, empty = 0;

    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        assert_non_null(at[i] = records_get(RECORDS_LEAST));
        memset(at[i], 'x', RECORDS_LEAST);
    }
    for (size_t i = 0; i < MANY; i++)
        records_give(at[i]);
    for (size_t i = 0; i < MANY; i++) {
        assert_non_null(at[i] = records_get(RECORDS_LEAST));
        as_left += at[i][0] == 'x';
        empty += at[i][0] == '\0';
    }
    assert_int_equal(as_left, RECORDS_KEPT);
    assert_int_equal(empty, MANY - RECORDS_KEPT);
    for (size_t i = 0; i < MANY; i++)
        records_give(at[i]);
}

/* Of three that are kept one is in use all the time. */
static void what_is_not_taken_goes_back(void **state)
{
    char *at[3], *again;

    (void)state;
    records_rest();
    records_rest();
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        assert_non_null(at[i] = records_get(RECORDS_LEAST));
        memset(at[i], 'x', RECORDS_LEAST);
    }
    for (size_t i = 0; i < COUNT_OF(at); i++)
        records_give(at[i]);
    records_rest(); /* all were taken */
    assert_ptr_equal(again = records_get(RECORDS_LEAST), at[2]);
    assert_int_equal(again[0], 'x');
    records_give(again);
    records_rest();
    for (size_t i = COUNT_OF(at); i-- > 0;) {
        bool kept = i == 2;

        again = records_get(RECORDS_LEAST);
        assert_int_equal(again[0], kept ? 'x' : '\0');
        assert_int_equal(again[RECORDS_LEAST - 1], kept ? 'x' : '\0');
        at[i] = again;
    }
    for (size_t i = 0; i < COUNT_OF(at); i++)
        records_give(at[i]);
}

/* What was given back is seen when it is used, though the heap never had it back. */
static void sanitizers_see_what_was_given_back(void **state)
{
    static const size_t sizes[] = {PAGES_LEAST, RECORDS_LEAST};

    (void)state;
    if (!poison_is_seen())
        return;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char *at = records_get(sizes[i]), *last = at + sizes[i] - 1;

        assert_false(is_poisoned(last));
        records_give(at);
        assert_true(is_poisoned(last));
        assert_ptr_equal(records_get(sizes[i]), at);
        assert_false(is_poisoned(last));
        records_give(at);
    }
}

/* And then the heap has some. */
static void there_are_as_many_as_there_are(void **state)
{
    static char *at[RECORDS_MOST + 2];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        assert_non_null(at[i] = records_get(RECORDS_LEAST));
        at[i][0] = (char)i;
    }
    for (size_t i = 0; i < COUNT_OF(at); i++) {
        assert_int_equal(at[i][0], (char)i);
        records_give(at[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_have_a_place_of_their_own),
        cmocka_unit_test(what_grows_keeps_what_it_holds),
        cmocka_unit_test(pages_have_theirs),
        cmocka_unit_test(pages_go_back_but_for_some),
        cmocka_unit_test(what_is_not_taken_goes_back),
        cmocka_unit_test(there_are_as_many_as_there_are),
        cmocka_unit_test(sanitizers_see_what_was_given_back),
    };

    records_use();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
