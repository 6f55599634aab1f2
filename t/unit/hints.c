/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be kept under a name, over all processes.
 */
#include "keep/hints.h"

#include "t/unit/unit.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const double now = 1700000000;

static void marks_hold_until_their_time(void **state)
{
    static const struct {
        double until[3]; /* marked one after the other; 0: no more */
        double at;
        bool has;
    } rows[] = {
        {{0}, now, false},
        {{now + 1}, now, true},
        {{now + 1}, now + 1, true},
        {{now + 1}, now + 200, false}, /* beyond it for two minutes at most */
        {{now + 7200}, now + 7200, true},
        {{now + 7200}, now + 7400, false},
        {{now + 86400, now + 60}, now + 86400, true}, /* never less */
        {{now + 60, now + 86400, now + 1}, now + 86400, true},
        {{1e300}, now + 1e9, true},
        {{-1e300}, now, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct hints *h = hints_new();

        assert_non_null(h);
        hints_know(h, true);
        for (size_t k = 0; k < 3 && rows[i].until[k] != 0; k++)
            hints_mark(h, SPAN("4abc"), rows[i].until[k]);
        assert_int_equal(hints_has(h, SPAN("4abc"), rows[i].at), rows[i].has);
        hints_free(&h);
    }
}

static void nothing_is_known_yes(void **state)
{
    struct hints *h = hints_new();

    (void)state;
    assert_true(hints_has(NULL, SPAN("4abc"), now));
    hints_mark(NULL, SPAN("4abc"), now);
    hints_know(NULL, true);
    assert_true(hints_has(h, SPAN("4abc"), now));
    hints_know(h, true);
    assert_false(hints_has(h, SPAN("4abc"), now));
    hints_know(h, false);
    assert_true(hints_has(h, SPAN("4abc"), now));
    hints_free(&h);
}

/* What one process marks another sees; and few others are taken for it. */
static void it_is_shared(void **state)
{
    struct hints *h = hints_new();
    unsigned wrong = 0;
    int status;

    (void)state;
    hints_know(h, true);
    pid_t pid = fork();

    if (pid == 0) {
        for (unsigned i = 0; i < 1000; i++) {
            char name[16];

            snprintf(name, sizeof name, "4%u", i);
            hints_mark(h, span_of(name), now + 60);
        }
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    for (unsigned i = 0; i < 1000; i++) {
        char name[16];

        snprintf(name, sizeof name, "4%u", i);
        assert_true(hints_has(h, span_of(name), now));
        snprintf(name, sizeof name, "5%u", i);
        wrong += hints_has(h, span_of(name), now);
    }
    assert_in_range(wrong, 0, 20); /* one is to be expected */
    hints_free(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(marks_hold_until_their_time),
        cmocka_unit_test(nothing_is_known_yes),
        cmocka_unit_test(it_is_shared),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
