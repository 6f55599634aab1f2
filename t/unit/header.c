/* SPDX-License-Identifier: Apache-2.0
 *
 * Wanted fields of a message, whole and cut at every byte, and against another way to read them.
 */
#include "smtp/header.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static const struct span wanted[] = {SPAN("X-A"), SPAN("x-job"), SPAN("Subject")};

#define LONG100                                         \
    "0123456789012345678901234567890123456789012345678" \
    "901234567890123456789012345678901234567890123456789"

/* clang-format off */
static const struct {
    const char *name, *message;
    const char *value[COUNT_OF(wanted)]; /* NULL: not found */
} cases[] = {
    {"plain",               "X-A: 1\r\nX-Job: 2\r\nSubject: 3\r\n\r\nbody",   {"1", "2", "3"}},
    {"in any case",         "x-a:1\r\nX-JOB:2\r\n\r\n",                       {"1", "2"}},
    {"spaces and tabs",     "X-A: \t a\tb \t\r\n\r\n",                        {"a b"}},
    {"before the colon",    "X-A \t: a\r\n\r\n",                              {"a"}},
    {"folded",              "X-A: a\r\n b\r\n\tc\r\nX-Job: 2\r\n\r\n",        {"a b c", "2"}},
    {"folded at once",      "X-A:\r\n  a\r\n\r\n",                            {"a"}},
    {"a fold of blanks",    "X-A: a\r\n \r\nX-Job: 2\r\n\r\n",                {"a", "2"}},
    {"the first counts",    "X-A: 1\r\nX-A: 2\r\n\r\n",                       {"1"}},
    {"empty, and counts",   "X-A:\r\nX-A: 2\r\n\r\n",                         {""}},
    {"not in the body",     "X-A: 1\r\n\r\nX-Job: 2\r\n",                     {"1"}},
    {"nothing but a body",  "\r\nX-A: 1\r\n",                                 {NULL}},
    {"no message",          "",                                               {NULL}},
    {"LF alone",            "X-A: 1\nX-Job: 2\n\nSubject: 3\n",               {"1", "2"}},
    {"the end is missing",  "X-A: 1\r\nX-Job: 2",                             {"1", "2"}},
    {"a longer name",       "X-AB: 1\r\nX-Jo: 2\r\n\r\n",                     {NULL}},
    {"within another",      "Y: X-A: 1\r\n X-Job: 2\r\n\r\n",                 {NULL}},
    {"a line of no field",  "From mail\r\nX-A: 1\r\n\r\n",                    {"1"}},
    {"and its fold",        "From mail\r\n X-A: 1\r\nX-A: 2\r\n\r\n",         {"2"}},
    {"colons",              ":\r\n: X-A\r\nX-A:: 1:2\r\n\r\n",                {": 1:2"}},
    {"an encoded word",     "Subject: =?utf-8?q?J=C3=BC?=\r\n =?x?=\r\n\r\n", {NULL, NULL, "=?utf-8?q?J=C3=BC?= =?x?="}},
    {"eight bits",          "X-A: J\xc3\xbcrgen\xff\r\n\r\n",                 {"J\xc3\xbcrgen\xff"}},
    {"a long name",         LONG100 ": 1\r\nX-A: 1\r\n\r\n",                  {"1"}},
    {"a very long name",    LONG100 LONG100 LONG100 "\r\nX-A: 1\r\n\r\n",     {"1"}},
};
/* clang-format on */

static void read_cut(struct header *h, struct span message, size_t cut, size_t step)
{
    header_init(h, wanted, COUNT_OF(wanted));
    header_feed(h, (struct span){message.at, cut});
    for (message = span_after(message, cut); message.len > 0;) {
        size_t len = message.len < step ? message.len : step;

        header_feed(h, (struct span){message.at, len});
        message = span_after(message, len);
    }
    header_end(h);
}

static void assert_value(const char *is, const char *should, const char *name)
{
    assert_row(should ? is && !strcmp(is, should) : !is, name);
}

static void are_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct span message = span_of(cases[i].message);

        for (size_t cut = 0; cut <= message.len; cut++) {
            for (size_t step = 1; step <= message.len + 1; step += message.len + 1 - step / 2) {
                struct header h;

                read_cut(&h, message, cut, step);
                for (size_t k = 0; k < COUNT_OF(wanted); k++)
                    assert_value(header_value(&h, k), cases[i].value[k], cases[i].name);
                header_clear(&h);
                header_clear(&h);
            }
        }
    }
}

static void is_over_when_all_is_found(void **state)
{
    struct header h;

    (void)state;
    header_init(&h, wanted, 1);
    header_feed(&h, SPAN("X-A: 1\r\n"));
    assert_int_not_equal(h.is, HEADER_OVER); /* it may be folded */
    header_feed(&h, SPAN("Y"));
    assert_int_equal(h.is, HEADER_OVER);
    header_clear(&h);
    header_init(&h, wanted, 0);
    assert_int_equal(h.is, HEADER_OVER);
    header_feed(&h, SPAN("X-A: 1\r\n\r\n"));
    assert_null(header_value(&h, 0));
    header_clear(&h);
}

/* A header section without end is given up. */
static void has_a_bound(void **state)
{
    char block[1024];

    (void)state;
    memset(block, 'x', sizeof block);
    block[1] = ':';
    block[sizeof block - 1] = '\n';
    for (int past = 0; past < 2; past++) {
        struct header h;

        header_init(&h, wanted, COUNT_OF(wanted));
        for (size_t i = 0; i < HEADER_BOUND / sizeof block - 1; i++)
            header_feed(&h, (struct span){block, sizeof block});
        header_feed(&h, (struct span){block, sizeof block - 8});
        header_feed(&h, past ? SPAN("\nYYYYYYYYX-A: 1\r\n\r\n") : SPAN("\nX-A: 1\r\n\r\n"));
        assert_int_equal(h.is, HEADER_OVER);
        assert_value(header_value(&h, 0), past ? NULL : "1", "the last within it");
        header_clear(&h);
    }
}

static void values_have_a_bound(void **state)
{
    char line[4 * HEADER_VALUE];
    struct header h;

    (void)state;
    memset(line, 'v', sizeof line);
    header_init(&h, wanted, COUNT_OF(wanted));
    header_feed(&h, SPAN("X-A: "));
    for (int i = 0; i < 3; i++)
        header_feed(&h, (struct span){line, sizeof line});
    header_feed(&h, SPAN("\r\n more\r\nX-Job: 2\r\n\r\n"));
    assert_int_equal(strlen(header_value(&h, 0)), HEADER_VALUE);
    assert_string_equal(header_value(&h, 1), "2");
    header_clear(&h);
}

static void whole_fields(void **state)
{
    struct header h;

    (void)state;
    header_init(&h, wanted, COUNT_OF(wanted));
    header_field(&h, SPAN("x-A"), SPAN(" a\r\n\tb\n c "));
    header_field(&h, SPAN("X-A"), SPAN("again"));
    header_field(&h, SPAN("X-B"), SPAN("another"));
    header_field(&h, SPAN("X-Job"), SPAN(""));
    header_end(&h);
    header_field(&h, SPAN("Subject"), SPAN("too late"));
    assert_string_equal(header_value(&h, 0), "a b c");
    assert_string_equal(header_value(&h, 1), "");
    assert_null(header_value(&h, 2));
    header_clear(&h);
}

/* The same, a byte at a time and by the letter of the RFC. */
static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* As lines that end with LF. */
static size_t flatten(char *to, struct span message)
{
    size_t len = 0;

    for (size_t i = 0; i < message.len; i++)
        if (message.at[i] != '\r' || i + 1 == message.len || message.at[i + 1] != '\n')
            to[len++] = message.at[i];
    to[len] = '\0';
    return len;
}

static bool is_named(struct span field, struct span name, size_t colon)
{
    size_t last = colon;

    while (last > 0 && is_blank(field.at[last - 1]))
        last--;
    return colon < HEADER_NAME && colon < field.len && field.at[colon] == ':' &&
           !is_blank(*field.at) && last == name.len && !strncasecmp(field.at, name.at, last);
}

/* The value, if the field, which is one with its folds, has this name. */
static bool read_field(struct span field, struct span name, char to[HEADER_VALUE + 1])
{
    size_t colon = 0, used = 0;

    while (colon < field.len && field.at[colon] != ':' && field.at[colon] != '\n')
        colon++;
    if (!is_named(field, name, colon))
        return false;
    for (size_t i = colon + 1; i < field.len && used < HEADER_VALUE; i++)
        if (field.at[i] != '\n' && !(is_blank(field.at[i]) && used == 0))
            to[used++] = is_blank(field.at[i]) ? ' ' : field.at[i];
    while (used > 0 && (to[used - 1] == ' ' || to[used - 1] == '\r'))
        used--;
    to[used] = '\0';
    return true;
}

static bool naive(struct span message, struct span name, char to[HEADER_VALUE + 1])
{
    static char flat[8192];
    size_t len = flatten(flat, message), at = 0;

    while (at < len && flat[at] != '\n' && flat[at] != '\r') {
        size_t end = at;

        while (end < len && (flat[end] != '\n' || is_blank(flat[end + 1])))
            end++;
        if (read_field((struct span){flat + at, end - at}, name, to))
            return true;
        at = end + 1;
    }
    return false;
}

static void agrees_with_a_naive_reader(void **state)
{
    static const char *const words[] = {
        "X-A", "x-job", "Subject", ":", ": ", "\r\n",  "\r\n ", "\r\n", "\r\n",      " ",
        "\t",  "v",     "value",   "X", ":",  LONG100, "\n",    "=?",   "X-A: 1\r\n"};
    unsigned found = 0;

    (void)state;
    srandom(5322);
    for (int round = 0; round < 20000; round++) {
        char message[4096], value[HEADER_VALUE + 1];
        size_t used = 0;
        struct header h;

        for (long left = random() % 40; left > 0; left--)
            used += (size_t)snprintf(message + used, sizeof message - used, "%s",
                                     words[(size_t)random() % COUNT_OF(words)]);
        read_cut(&h, (struct span){message, used}, (size_t)random() % (used + 1),
                 1 + (size_t)random() % 50);
        for (size_t k = 0; k < COUNT_OF(wanted); k++) {
            bool has = naive((struct span){message, used}, wanted[k], value);

            assert_value(header_value(&h, k), has ? value : NULL, message);
            found += has;
        }
        header_clear(&h);
    }
    assert_true(found > 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(are_found),    cmocka_unit_test(is_over_when_all_is_found),
        cmocka_unit_test(has_a_bound),  cmocka_unit_test(values_have_a_bound),
        cmocka_unit_test(whole_fields), cmocka_unit_test(agrees_with_a_naive_reader),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
