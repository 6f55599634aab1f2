/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/option.h"

#define SHOW_OPTIONS(O, S)                                       \
    O(S, TEXT, text, "hello", ANY, "A text.")                    \
    O(S, FLAG, flag, "yes", ANY, "A flag.")                      \
    O(S, COUNT, count, "7", RANGE(1, 100), "A number.")          \
    O(S, SIZE, bytes, "1k", ANY, "A size.")                      \
    O(S, TIME, wait_time, "1h30m", RANGE(0, 1000000), "A time.") \
    O(S, WORD, color, "green", WORDS("red green blue"), "One.")  \
    O(S, LIST, list, "{a}", ANY, "Some.")

struct show {
    OPTION_HEAD
    SHOW_OPTIONS(OPTION_FIELD, show)
};

static const struct option options[] = {SHOW_OPTIONS(OPTION_ROW, show) OPTION_END};

static const struct option *row(const char *name)
{
    const struct option *o = options;

    while (strcmp(o->name, name))
        o++;
    return o;
}

static void test_defaults(void **state)
{
    struct show s;

    (void)state;
    memset(&s, 0xAA, sizeof s);
    option_defaults(options, &s);
    assert_string_equal(s.text, "hello");
    assert_true(s.flag);
    assert_int_equal(s.count, 7);
    assert_int_equal(s.bytes, 1024);
    assert_int_equal(s.wait_time, 5400);
    assert_int_equal(s.color, 1);
    assert_int_equal(s.list.count, 0);
}

static const struct {
    const char *name, *text;
    long value; /* -1: refused */
} values[] = {
    {"flag", "yes", 1},
    {"flag", "TRUE", 1},
    {"flag", "No", 0},
    {"flag", "false", 0},
    {"flag", "on", -1},
    {"flag", "1", -1},
    {"flag", "", -1},
    {"flag", "yess", -1},
    {"count", "1", 1},
    {"count", "100", 100},
    {"count", "0", -1},
    {"count", "101", -1},
    {"count", "1k", -1},
    {"count", "-1", -1},
    {"count", "+1", -1},
    {"count", " 1", -1},
    {"count", "0x10", -1},
    {"count", "", -1},
    {"bytes", "10", 10},
    {"bytes", "10b", 10},
    {"bytes", "10k", 10240},
    {"bytes", "2M", 2 << 20},
    {"bytes", "3g", 3L << 30},
    {"bytes", "1t", 1L << 40},
    {"bytes", "unlimited", 0},
    {"bytes", "0", 0},
    {"bytes", "10kb", -1},
    {"bytes", "1k1k", -1},
    {"bytes", "k", -1},
    {"bytes", "1.5k", -1},
    {"bytes", "99999999t", -1},
    {"bytes", "99999999999999999999", -1},
    {"wait_time", "30", 30},
    {"wait_time", "30s", 30},
    {"wait_time", "5m", 300},
    {"wait_time", "2h", 7200},
    {"wait_time", "1d", 86400},
    {"wait_time", "1w", 604800},
    {"wait_time", "1w2d12h", 604800 + 2 * 86400 + 43200},
    {"wait_time", "1H30M5S", 5405},
    {"wait_time", "0", 0},
    {"wait_time", "1000001", -1},
    {"wait_time", "2w", -1},
    {"wait_time", "5x", -1},
    {"wait_time", "m", -1},
    {"wait_time", "5 m", -1},
    {"wait_time", "", -1},
    {"color", "red", 0},
    {"color", "Blue", 2},
    {"color", "gree", -1},
    {"color", "red green", -1},
    {"color", "", -1},
    {"text", "x", -1},
    {"list", "x", -1},
};

static long value_of(const struct show *s, const struct option *o)
{
    if (o->kind == OPTION_FLAG)
        return s->flag;
    if (o->kind == OPTION_WORD)
        return s->color;
    return *(const long *)((const char *)s + o->offset);
}

static void test_values(void **state)
{
    struct show s, before;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        const struct option *o = row(values[i].name);

        print_message("# %s = '%s'\n", values[i].name, values[i].text);
        memset(&s, 0, sizeof s);
        option_defaults(options, &s);
        before = s;
        if (values[i].value < 0) {
            assert_false(option_read(o, span_of(values[i].text), &s));
            assert_memory_equal(&s, &before, sizeof s);
        } else {
            assert_true(option_read(o, span_of(values[i].text), &s));
            assert_int_equal(value_of(&s, o), values[i].value);
        }
    }
}

/* Only what was set goes over, and counts as set afterwards. */
static void test_merge(void **state)
{
    struct show into, from;

    (void)state;
    memset(&into, 0, sizeof into);
    memset(&from, 0, sizeof from);
    option_defaults(options, &into);
    option_defaults(options, &from);
    into.head.set = 1 << 0;
    into.text = "mine";
    from.head =
        (struct option_head){.title = "over", .file = "f", .line = 7, .set = 1 << 2 | 1 << 5};
    from.text = "theirs";
    from.flag = false;
    from.count = 9;
    from.color = 2;
    option_merge(options, &into, &from);
    assert_string_equal(into.text, "mine");
    assert_true(into.flag);
    assert_int_equal(into.count, 9);
    assert_int_equal(into.color, 2);
    assert_int_equal(into.head.set, 1 << 0 | 1 << 2 | 1 << 5);
    assert_string_equal(into.head.title, "over");
    assert_string_equal(into.head.file, "f");
    assert_int_equal(into.head.line, 7);
    assert_true(option_is_set(options, &into.head, offsetof(struct show, text)));
    assert_false(option_is_set(options, &into.head, offsetof(struct show, flag)));
    assert_true(option_is_set(options, &into.head, offsetof(struct show, count)));
    assert_false(option_is_set(options, &into.head, offsetof(struct show, list)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_merge),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
