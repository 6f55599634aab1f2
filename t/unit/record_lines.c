/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that are records, and lines that are none: record_read(). */
#include "tell/record.h"

#include <stdio.h>

#include "unit.h"

static const struct {
    const char *name;
    struct span line;
    bool good;
} lines[] = {
    {"the least", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1}"), true},
    {"with LF", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1}\n"), true},
    {"a name of a newer version", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1,\"new\":\"\\\"\"}"),
     true},
    {"and a number", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1,\"new\":0.25}"), true},
    {"columns in any order",
     SPAN("{\"rcpt\":\"\",\"at\":1,\"orig\":\"\",\"do\":\"row\",\"key\":\"\"}"), true},
    {"a list", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1,\"new\":[1]}"), false},
    {"an object", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1,\"new\":{}}"), false},
    {"a space", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1 }"), false},
    {"a comma too much", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1,}"), false},
    {"no member", SPAN("{}"), false},
    {"a sign", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":+1}"), false},
    {"an exponent", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1e3}"), false},
    {"a point at its end", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1.}"), false},
    {"two points", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1.1.1}"), false},
    {"a number without end", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":11111111111111111}"), false},
    {"another escape", SPAN("{\"do\":\"row\",\"key\":\"\\n\",\"at\":1}"), false},
    {"an escape in a name", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1,\"n\\\\\":1}"), false},
    {"a tab", SPAN("{\"do\":\"row\",\"key\":\"a\tb\",\"at\":1}"), false},
    {"DEL", SPAN("{\"do\":\"row\",\"key\":\"a\x7f\",\"at\":1}"), false},
    {"a column twice", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1,\"orig\":\"\",\"orig\":\"a\"}"),
     false},
    {"an overlong character", SPAN("{\"do\":\"row\",\"key\":\"\xc0\xaf\",\"at\":1}"), false},
    {"a lonely middle", SPAN("{\"do\":\"row\",\"key\":\"a\xbc\",\"at\":1}"), false},
    {"nothing", SPAN(""), false},
    {"LF", SPAN("\n"), false},
    {"no object", SPAN("[\"row\"]"), false},
    {"two objects", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1}{}"), false},
    {"two lines", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1}\n{}"), false},
    {"a name twice", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1,\"at\":2}"), false},
    {"a front without a brace", SPAN(",\"do\":\"row\",\"key\":\"\",\"at\":1}"), false},
    {"a column as the front", SPAN(",\"orig\":\"a\",\"do\":\"row\",\"key\":\"\",\"at\":1}"), false},
    {"two fronts", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1{\"do\":\"row\",\"key\":\"\"}"),
     false},
    {"a deed twice", SPAN("{\"do\":\"row\",\"key\":\"k\",\"do\":\"row\",\"at\":1}"), false},
    {"a key twice", SPAN("{\"do\":\"row\",\"key\":\"k\",\"key\":\"k\",\"at\":1}"), false},
    {"a key without end", SPAN("{\"do\":\"row\",\"key\":\"k}"), false},
    {"a column without end", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1,\"orig\":\"a}"), false},
    {"no deed", SPAN("{\"key\":\"k\",\"at\":1}"), false},
    {"another deed", SPAN("{\"do\":\"drop\",\"key\":\"k\",\"at\":1}"), false},
    {"no time", SPAN("{\"do\":\"row\",\"key\":\"k\"}"), false},
    {"time as text", SPAN("{\"do\":\"row\",\"key\":\"k\",\"at\":\"1\"}"), false},
    {"time before time", SPAN("{\"do\":\"row\",\"key\":\"k\",\"at\":-1}"), false},
    {"queued as text", SPAN("{\"do\":\"row\",\"key\":\"k\",\"at\":1,\"queued\":\"1\"}"), false},
    {"no key", SPAN("{\"do\":\"row\",\"at\":1}"), false},
    {"an intent needs a key", SPAN("{\"do\":\"intent\",\"key\":\"\",\"at\":1}"), false},
    {"an outcome too", SPAN("{\"do\":\"outcome\",\"key\":\"\",\"at\":1}"), false},
    {"host no text", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1,\"host\":{}}"), false},
    {"column no text", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1,\"orig\":5}"), false},
    {"header no text", SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1,\"header_X\":5}"), false},
    {"NUL inside", SPAN("{\"do\":\"row\",\"key\":\"a\\u0000\",\"at\":1}"), false},
    {"zeros, as after a power failure", SPAN("\0\0\0\0\0\0\0\0"), false},
    {"not UTF-8", SPAN("{\"do\":\"row\",\"key\":\"\xff\",\"at\":1}"), false},
    {"a long key",
     SPAN("{\"do\":\"row\",\"key\":"
          "\"0123456789012345678901234567890123456789012345678901234567890123456789\",\"at\":1}"),
     false},
};

static void forged_lines_are_refused(void **state)
{
    struct record out;
    struct record_memory *memory;

    (void)state;
    /* The second time each column comes behind the one that it came behind before. */
    for (size_t i = 0; i < 2 * COUNT_OF(lines); i++) {
        if (record_read(lines[i / 2].line, &out, &memory) != lines[i / 2].good)
            fail_msg("%s", lines[i / 2].name);
        record_forget(&memory);
    }
}

/* Which columns a line has, and in which order, does not matter to the next. */
static void lines_may_differ(void **state)
{
    static const enum column order[][3] = {
        {COLUMN_type, COLUMN_dlvTlsPolicy, COLUMN_dlvTlsPolicyResult},
        {COLUMN_type, COLUMN_dlvTlsPolicyResult, COLUMN_dlvTlsPolicy},
        {COLUMN_dlvSessionId, COLUMN_type, COLUMN_orig},
        {COLUMN_dlvSessionId, COLUMN_orig, COLUMN_type},
    };
    static const char *const deeds[] = {"row", "outcome"};
    struct record_memory *memory;
    struct record out;
    char line[300];

    (void)state;
    for (size_t i = 0; i < 4 * COUNT_OF(order) * COUNT_OF(order); i++) {
        const enum column *c = order[i / 2 % COUNT_OF(order)];
        const enum column *then = order[i / 2 / COUNT_OF(order) % COUNT_OF(order)];

        for (int turn = 0; turn < 2; turn++, c = then) {
            int len =
                snprintf(line, sizeof line,
                         "{\"do\":\"%s\",\"key\":\"k\",\"at\":1,\"%s\":\"0\",\"%s\":\"1\\\"\","
                         "\"new\":\"n\",\"%s\":\"2\"}",
                         deeds[(i + (size_t)turn) % 2], column_name(c[0]), column_name(c[1]),
                         column_name(c[2]));

            assert_true(record_read((struct span){line, (size_t)len}, &out, &memory));
            assert_span(out.column[c[0]], "0");
            assert_span(out.column[c[1]], "1\"");
            assert_span(out.column[c[2]], "2");
            record_forget(&memory);
        }
    }
}

/* A record of just this length, by a long sender. */
static void fill_line(char *line, size_t len)
{
    static const struct span start = SPAN("{\"do\":\"row\",\"key\":\"\",\"at\":1,\"orig\":\"");

    memset(line, 'x', len);
    memcpy(line, start.at, start.len);
    memcpy(line + len - 2, "\"}", 2);
}

static void a_deep_or_long_line_is_refused(void **state)
{
    static char deep[RECORD_MAX - 1], wide[RECORD_MAX + 100];
    struct record out;
    struct record_memory *memory;

    (void)state;
    memset(deep, '[', sizeof deep);
    assert_false(record_read((struct span){deep, sizeof deep}, &out, &memory));
    fill_line(wide, sizeof wide);
    assert_false(record_read((struct span){wide, sizeof wide}, &out, &memory));
    fill_line(wide, RECORD_MAX - 1);
    assert_true(record_read((struct span){wide, RECORD_MAX - 1}, &out, &memory));
    record_forget(&memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forged_lines_are_refused),
        cmocka_unit_test(lines_may_differ),
        cmocka_unit_test(a_deep_or_long_line_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
