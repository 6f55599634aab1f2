/* SPDX-License-Identifier: Apache-2.0
 *
 * object - members of a JSON object in a line, whole and cut at every byte.
 */
#include "unit.h"

#include <stdlib.h>

#include "csv/object.h"

static const char *const names[] = {"type", "rcpt", "dsnDiag"};

static const struct {
    const char *line, *type, *rcpt, *diag; /* type NULL: not an object; "-": not there */
} lines[] = {
    {"{\"type\":\"d\",\"rcpt\":\"a@b\",\"dsnDiag\":\"\"}", "d", "a@b", ""},
    {" { \"rcpt\" : \"x\" , \"type\" : \"t\" } \r", "t", "x", "-"},
    {"{}", "-", "-", "-"},
    {"{\"type\":null,\"rcpt\":17,\"dsnDiag\":true}", "", "17", "true"},
    {"{\"type\":-1.5e+3}", "-1.5e+3", "-", "-"},
    {"{\"dsnDiag\":\"a\\\"b\\\\c\\/d\\n\\t\",\"type\":\"d\"}", "d", "-", "a\"b\\c/d\n\t"},
    {"{\"type\":\"\\u00e4\\u20ac\\ud83d\\ude00\"}", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "-",
     "-"},
    {"{\"type\":\"\\ud83dx\\ud83d\\u0041\"}",
     "\xef\xbf\xbdx\xef\xbf\xbd"
     "A",
     "-", "-"},
    {"{\"x\":{\"type\":[\"]}\\\"\"]},\"type\":\"d\"}", "d", "-", "-"},
    {"{\"rcpt\":[1,{\"a\":2}],\"type\":\"d\"}", "d", "[1,{\"a\":2}]", "-"},
    {"{\"typ\":\"d\",\"types\":\"d\",\"type\":\"r\",\"\":\"\"}", "r", "-", "-"},
    {"{\"type\":\"d\"", NULL, NULL, NULL},
    {"{\"type\":\"d\"}x", NULL, NULL, NULL},
    {"{\"type\":\"d\",}", NULL, NULL, NULL},
    {"{\"type\" \"d\"}", NULL, NULL, NULL},
    {"{\"type\":\"\\x\"}", NULL, NULL, NULL},
    {"{\"type\":\"\\u12\"}", NULL, NULL, NULL},
    {"{\"type\":}", NULL, NULL, NULL},
    {"[\"type\"]", NULL, NULL, NULL},
    {"", NULL, NULL, NULL},
};

/* In memory of its own, so that the sanitizer sees a byte too far. */
static bool read_line(const char *line, size_t len, char **copy, struct span cells[3])
{
    *copy = malloc(len ? len : 1);
    assert_non_null(*copy);
    memcpy(*copy, line, len);
    return object_read(*copy, len, names, COUNT_OF(names), cells);
}

static bool is(struct span got, const char *want)
{
    return strcmp(want, "-") == 0 ? !got.at : got.at && span_is(got, want);
}

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        const char *line = lines[i].line;
        struct span cells[3];
        char *copy;
        bool well = read_line(line, strlen(line), &copy, cells);

        assert_row(well == (lines[i].type != NULL), line);
        if (well)
            assert_row(is(cells[0], lines[i].type) && is(cells[1], lines[i].rcpt) &&
                           is(cells[2], lines[i].diag),
                       line);
        free(copy);
    }
}

static void test_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        const char *line = lines[i].line, *last = strrchr(line, '}');

        for (size_t len = 0; last && line + len < last; len++) {
            struct span cells[3];
            char *copy;

            assert_row(!read_line(line, len, &copy, cells) || lines[i].type == NULL, line);
            free(copy);
        }
    }
}

static void test_deep(void **state)
{
    static char line[100000];
    struct span cells[3];

    (void)state;
    memset(line, '[', sizeof line);
    memcpy(line, "{\"type\":", 8);
    assert_false(object_read(line, sizeof line, names, COUNT_OF(names), cells));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_deep),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
