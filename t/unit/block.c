/* SPDX-License-Identifier: Apache-2.0 */
#include "base/block.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t/lib/poison.h"
#include "unit.h"

/* What is given back is the next of its size, and of no other. */
static void small_blocks_wait_for_the_next(void **state)
{
    static const size_t pairs[][2] = {{1, 24}, {25, 40}, {41, 56}, {985, 1000}, {8185, 8200}};
    char *at[COUNT_OF(pairs)];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        assert_non_null(at[i] = block_get(pairs[i][0]));
        memset(at[i], (int)i, pairs[i][0]);
    }
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        assert_int_equal(at[i][pairs[i][0] - 1], i);
        block_give(at[i]);
    }
    for (size_t i = 0; i < COUNT_OF(pairs); i++) {
        assert_ptr_equal(block_get(pairs[i][1]), at[i]);
        memset(at[i], 'x', pairs[i][1]);
    }
    for (size_t i = 0; i < COUNT_OF(pairs); i++)
        block_give(at[i]);
}

/* The first that came back, then, the last of these before the others. */
static void not_too_many_of_them_wait(void **state)
{
    enum { SIZE = 1000, COUNT = BLOCKS_KEPT / SIZE + 20 };
    static char *at[COUNT];
    size_t waited = 1;

    (void)state;
    for (size_t i = 0; i < COUNT; i++)
        assert_non_null(at[i] = block_get(SIZE));
    for (size_t i = 0; i < COUNT; i++)
        block_give(at[i]);
    const char *first = block_get(SIZE);

    while (waited < COUNT && at[waited - 1] != first)
        waited++;
    assert_in_range(waited, BLOCKS_KEPT / SIZE / 2, BLOCKS_KEPT / SIZE);
    for (size_t i = waited - 1; i-- > 0;)
        assert_ptr_equal(block_get(SIZE), at[i]);
    for (size_t i = 0; i < waited; i++)
        block_give(at[i]);
}

static void nothing_is_given_back_twice(void **state)
{
    char *one = block_get(100), *two = block_get(100);
    int status = 0;
    pid_t child = fork();

    (void)state;
    assert_true(one && two && child >= 0);
    if (child == 0) {
        (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        block_give(one);
        block_give(two);
        block_give(one);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    block_give(one);
    block_give(two);
}

/* What was given back is seen when it is used, though the heap never had it back. */
static void sanitizers_see_what_was_given_back(void **state)
{
    static const size_t sizes[] = {40, 1000};

    (void)state;
    if (!poison_is_seen())
        return;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char *at = block_get(sizes[i]), *last = at + sizes[i] - 1;

        assert_false(is_poisoned(last));
        block_give(at);
        assert_true(is_poisoned(last));
        assert_ptr_equal(block_get(sizes[i]), at);
        assert_false(is_poisoned(last));
        block_give(at);
    }
}

static void what_is_large_does_not_wait(void **state)
{
    static const size_t sizes[] = {8216, 1 << 20};

    (void)state;
    block_give(block_get(8201));
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        char *at = block_get(sizes[i]);

        assert_non_null(at);
        memset(at, 'x', sizes[i]);
        block_give(at);
        if (poison_is_seen())
            assert_true(is_poisoned(at)); /* the heap has it back */
    }
}

/* As long as nobody wants them kept, as in processes with threads, they are malloc()'s own: only
 * the sanitizer's tells what it was asked for. */
static void none_waits_before_they_are_kept(void **state)
{
    char *one = block_get(30), *its = malloc(30), *kept;

    (void)state;
    assert_true(one && its);
    assert_int_equal(malloc_usable_size(one), malloc_usable_size(its));
    block_give(one);
    if (poison_is_seen())
        assert_true(is_poisoned(one));
    free(its);
    blocks_keep();
    assert_non_null(kept = block_get(30));
    assert_int_equal(malloc_usable_size(kept), 40);
    block_give(kept);
}

/* Before and behind that they are the heap's blocks. */
static void they_are_the_heaps(void **state)
{
    char *one = malloc(100), *two;

    (void)state;
    assert_non_null(one);
    block_give(one); /* the sanitizer's has no more than was asked for */
    assert_non_null(two = block_get(104));
    assert_true(malloc_usable_size(two) >= 104);
    two = realloc(two, 300);
    assert_non_null(two);
    memset(two, 'x', 300);
    free(two);
    block_give(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(none_waits_before_they_are_kept),
        cmocka_unit_test(small_blocks_wait_for_the_next),
        cmocka_unit_test(what_is_large_does_not_wait), /* while there is room for more */
        cmocka_unit_test(not_too_many_of_them_wait),
        cmocka_unit_test(nothing_is_given_back_twice),
        cmocka_unit_test(sanitizers_see_what_was_given_back),
        cmocka_unit_test(they_are_the_heaps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
