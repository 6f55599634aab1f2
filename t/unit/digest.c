/* SPDX-License-Identifier: Apache-2.0
 *
 * The same pieces have the same name, and no others have it: wherever they are cut, and beyond what
 * is gathered before it is folded.
 */
#include "net/digest.h"

#include "unit.h"

enum { LONG = 5000 };

static char many[LONG + 1]; /* one letter, LONG times */

struct pieces {
    const char *at[3]; /* NULL: no more */
};

static void name_of(struct pieces of, char to[DIGEST_TEXT])
{
    struct digest *d = digest_new();

    assert_non_null(d);
    for (size_t i = 0; i < COUNT_OF(of.at) && of.at[i]; i++)
        digest_add(d, span_of(of.at[i]));
    digest_end(&d, to);
    assert_null(d);
    assert_int_equal(strlen(to), DIGEST_TEXT - 1);
    assert_int_equal(strspn(to, "0123456789abcdef"), DIGEST_TEXT - 1);
}

/* No two are the same. */
static const struct pieces all[] = {
    {{NULL}},      {{""}},         {{"", ""}},        {{"a"}},           {{"", "a"}},
    {{"a", ""}},   {{"ab"}},       {{"a", "b"}},      {{"b", "a"}},      {{"a", "b", ""}},
    {{many}},      {{many, ""}},   {{"", many}},      {{many + 1}},      {{"a", many}},
    {{many, "a"}}, {{many, many}}, {{many + 1, "x"}}, {{"x", many + 1}},
};

static void the_same_have_one_name_and_others_another(void **state)
{
    char a[DIGEST_TEXT], b[DIGEST_TEXT];

    (void)state;
    memset(many, 'x', LONG);
    for (size_t i = 0; i < COUNT_OF(all); i++)
        for (size_t k = 0; k < COUNT_OF(all); k++) {
            name_of(all[i], a);
            name_of(all[k], b);
            assert_int_equal(strcmp(a, b) == 0, i == k);
        }
}

/* Around each multiple of what is gathered at once, one byte that is another is seen. */
static void each_byte_counts(void **state)
{
    char a[DIGEST_TEXT], b[DIGEST_TEXT];

    (void)state;
    memset(many, 'x', LONG);
    name_of((struct pieces){{many, "end"}}, a);
    for (size_t i = 0; i < LONG; i++) {
        many[i] = 'y';
        name_of((struct pieces){{many, "end"}}, b);
        many[i] = 'x';
        assert_string_not_equal(a, b);
    }
}

static void without_memory_there_is_no_name(void **state)
{
    struct digest *none = NULL;
    char to[DIGEST_TEXT] = "x";

    (void)state;
    digest_add(none, SPAN("a"));
    digest_end(&none, to);
    assert_string_equal(to, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_have_one_name_and_others_another),
        cmocka_unit_test(each_byte_counts),
        cmocka_unit_test(without_memory_there_is_no_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
