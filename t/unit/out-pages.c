/* SPDX-License-Identifier: Apache-2.0
 *
 * What is given back is had again, and what is held is nobody else's.
 */
#include "proxy-out/pages.h"

#include <string.h>

#include "unit.h"

enum { SIZE = 53112, MANY = PAGES_KEPT + 10 };

static void nothing_is_had_twice(void **state)
{
    char *at[MANY];

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < MANY; i++) {
            at[i] = pages_get(SIZE);
            assert_non_null(at[i]);
            memset(at[i], (int)i, SIZE);
        }
        for (unsigned i = 0; i < MANY; i++) {
            assert_int_equal((char)i, at[i][0]);
            assert_int_equal((char)i, at[i][SIZE - 1]);
            pages_give(at[i], SIZE);
        }
    }
}

static void the_last_is_the_next(void **state)
{
    void *one = pages_get(SIZE), *two, *other;

    (void)state;
    pages_give(one, SIZE);
    other = pages_get(2 * SIZE);
    assert_non_null(other);
    memset(other, 0, 2 * SIZE);
    pages_give(other, 2 * SIZE);
    two = pages_get(SIZE);
    assert_ptr_equal(one, two);
    pages_give(two, SIZE);
    pages_give(NULL, SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_had_twice),
        cmocka_unit_test(the_last_is_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
