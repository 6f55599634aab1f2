/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/crlf.h"

#include <stdlib.h>

#include "base/match.h"
#include "unit.h"

/* clang-format off */
static const struct { const char *name, *in; char before, stop; size_t run; } cases[] = {
    {"nothing",                        "",            'x',  '.',  0},
    {"text",                           "ab",          'x',  '.',  2},
    {"lines",                          "a\r\nb\r\n",  '\n', '.',  6},
    {"a bare LF",                      "ab\n",        'x',  '.',  2},
    {"a LF at the front",              "\nab",        'x',  '.',  0},
    {"a LF behind a line",             "\n",          '\n', '.',  0},
    {"a bare CR: the CR stays behind", "ab\rc",       'x',  '.',  2},
    {"CR CR LF",                       "ab\r\r\n",    'x',  '.',  2},
    {"a CR at the end",                "ab\r",        'x',  '.',  2},
    {"a dot in front of a line",       ".a",          '\n', '.',  0},
    {"a dot inside of it",             "a.b",         '\n', '.',  3},
    {"a dot behind other text",        ".a",          'x',  '.',  2},
    {"a dot on the next line",         "a\r\n.b",     '\n', '.',  3},
    {"dots may be let be",             ".a\r\n.b",    '\n', '\0', 6},
};
/* clang-format on */

static void runs_end_where_they_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_row(crlf_run(cases[i].in, strlen(cases[i].in), cases[i].before, cases[i].stop) ==
                       cases[i].run,
                   cases[i].name);
}

/* The same rules, one byte after the other. */
static size_t run_slowly(const char *bytes, size_t len, char before, char stop)
{
    for (size_t at = 0; at < len; before = bytes[at++]) {
        bool is_cr = bytes[at] == '\r';

        if (bytes[at] == '\0' || (is_cr && (at + 1 == len || bytes[at + 1] != '\n')) ||
            (bytes[at] == '\n' && before != '\r') || (bytes[at] == stop && before == '\n'))
            return at;
    }
    return len;
}

/* All strings of four such bytes, at every place of three blocks and a bit. */
static void the_edges_of_blocks_hide_nothing(void **state)
{
    static const char letters[] = "\r\n.\0a";
    enum { LEN = 3 * MATCH_BYTES + 9, PATTERNS = 5 * 5 * 5 * 5 };
    char *in = malloc(LEN); /* of its own, so that a sanitizer sees its borders */

    (void)state;
    assert_non_null(in);
    for (size_t at = 0; at + 4 <= LEN; at++)
        for (int pattern = 0; pattern < PATTERNS; pattern++) {
            memset(in, 'b', LEN);
            for (int i = 0, p = pattern; i < 4; i++, p /= 5)
                in[at + (size_t)i] = letters[p % 5];
            char before = pattern % 2 ? '\n' : 'x', stop = pattern % 3 ? '.' : '\0';

            assert_int_equal(crlf_run(in, LEN, before, stop), run_slowly(in, LEN, before, stop));
        }
    free(in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_end_where_they_should),
        cmocka_unit_test(the_edges_of_blocks_hide_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
