/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/queue.h"

#include <stdio.h>

#include "t/lib/accounts.h"

static const struct {
    struct texts patterns;
    const char *queue;
    bool passes;
} queues[] = {
    {{0}, "example.test/{default}", true},
    {{0}, "", true},
    {LIST("*/*"), "example.test/{default}", true},
    {LIST("*/*"), "", true},
    {LIST("Example.Test/*"), "example.test/{default}", true},
    {LIST("example.test/*"), "Example.TEST/{default}", true},
    {LIST("example.test/*"), "a.example.test/{default}", false},
    {LIST("*.example.test/*"), "a.example.test/{default}", true},
    {LIST("*.example.test/*"), "example.test/{default}", false},
    {LIST("*/{default}"), "example.test/{default}", true},
    {LIST("*/other"), "example.test/{default}", false},
    {LIST("a*b*c/v*"), "axxbyybzc/v1", true},
    {LIST("a*b*c/v*"), "axxbyybz/v1", false},
    {LIST("*"), "example.test/{default}", false},
    {LIST("!example.test/*", "*/*"), "example.test/{default}", false},
    {LIST("!example.test/*", "*/*"), "example.org/{default}", true},
    {LIST("*/*", "!example.test/*"), "example.test/{default}", true},
    {LIST("!example.test/*"), "example.org/{default}", false},
};

static void the_first_that_matches_counts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(queues); i++) {
        char name[32];

        snprintf(name, sizeof name, "row %zu, %s", i, queues[i].queue);
        assert_row(queue_passes(queues[i].patterns, span_of(queues[i].queue)) == queues[i].passes,
                   name);
    }
}

/* A pattern made to be tried in many ways takes no longer than others. */
static void many_stars_are_no_trouble(void **state)
{
    static char pattern[4096], queue[4096];
    struct texts list = LIST(pattern);

    (void)state;
    for (size_t i = 0; i < 4000; i++)
        pattern[i] = i % 2 ? 'a' : '*';
    memcpy(pattern + 4000, "b/*", 3);
    memset(queue, 'a', 4000);
    assert_false(queue_passes(list, span_of(queue)));
}

static void patterns_have_two_sides(void **state)
{
    static const char *const good[] = {"a/b", "!a/b", "*/*", "[192.0.2.1]/{default}"};
    static const char *const bad[] = {"",   "!",   "a",     "/",     "a/",
                                      "/b", "!/b", "a/b/c", "a b/c", "\xc3\xbc/b"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(good); i++)
        assert_row(queue_is_pattern(span_of(good[i])), good[i]);
    for (size_t i = 0; i < COUNT_OF(bad); i++)
        assert_row(!queue_is_pattern(span_of(bad[i])), bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_that_matches_counts),
        cmocka_unit_test(many_stars_are_no_trouble),
        cmocka_unit_test(patterns_have_two_sides),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
