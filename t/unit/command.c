/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include <stdio.h>

#include "acct/command.h"

static const struct {
    const char *title, *words; /* with | between; NULL: it is wrong */
} cases[] = {
    {"|/bin/cat", "/bin/cat"},
    {"| /bin/cat  -n\t-b ", "/bin/cat|-n|-b"},
    {"|/bin/x 'a b' \"c d\" e\\ f", "/bin/x|a b|c d|e f"},
    {"|/bin/x 'a\\'b\"c\\\"d\"", "/bin/x|a\\bc\"d"},
    {"|/bin/x '' $HOME * ; y", "/bin/x||$HOME|*|;|y"},
    {"|/bin/x \\", "/bin/x|\\"},
    {"|", NULL},
    {"|  ", NULL},
    {"|cat", NULL},
    {"|'/bin/x", NULL},
};

static void words_stand_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct command c;
        const char *wrong = command_read(cases[i].title, &c);
        char got[200] = "";
        size_t len = 0;

        assert_int_equal(wrong == NULL, cases[i].words != NULL);
        for (size_t k = 0; !wrong && c.word[k]; k++)
            len += (size_t)snprintf(got + len, sizeof got - len, "%s%s", k ? "|" : "", c.word[k]);
        if (!wrong)
            assert_string_equal(got, cases[i].words);
    }
}

static void too_much_is_refused(void **state)
{
    char many[400] = "|/x", long_one[5000] = "|/";
    struct command c;

    (void)state;
    for (int i = 0; i < COMMAND_WORDS - 1; i++)
        memcpy(many + 3 + 2 * i, " y", 3);
    assert_null(command_read(many, &c));
    assert_null(c.word[COMMAND_WORDS]);
    memcpy(many + strlen(many), " y", 3);
    assert_non_null(command_read(many, &c));
    memset(long_one + 2, 'a', 4500);
    assert_non_null(command_read(long_one, &c));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_stand_apart),
        cmocka_unit_test(too_much_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
