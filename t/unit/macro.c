/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/macro.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static const struct {
    const char *name;
    const char *words[4];
} sections[] = {
    {"tld", {"com", "de", "co.uk"}},
    {"Mail", {"yahoo.$tld", "ymail.com"}},
    {"one", {"1"}},
    {"one_two", {"12"}},
    {"both", {"$one-$one_two"}},
};

static size_t read_sections(struct macro to[COUNT_OF(sections)])
{
    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        size_t n = 0;

        while (n < 4 && sections[i].words[n])
            n++;
        to[i] = (struct macro){.head = {.title = sections[i].name, .file = "f", .line = 1},
                               .words = {sections[i].words, n}};
    }
    return COUNT_OF(sections);
}

static const struct {
    const char *text, *all;
} rows[] = {
    {"example.com", "example.com "},
    {"yahoo.$tld", "yahoo.com yahoo.de yahoo.co.uk "},
    {"yahoo.$TLD", "yahoo.com yahoo.de yahoo.co.uk "},
    {"*.$mail", "*.yahoo.com *.yahoo.de *.yahoo.co.uk *.ymail.com "},
    {"$one.$one", "1.1 "},
    {"$one_two.$one", "12.1 "},
    {"x$one-y", "x1-y "},
    {"$both", "1-12 "},
    {"a.$none", "!there is no domain-macro none; add domain-macro none a, b, c"},
    {"a.$", "!$ without the name of a domain-macro behind it; write $NAME"},
    {"$-a", "!$ without the name"},
    {"$tl", "!there is no domain-macro tl;"},
    {"$tlds", "!there is no domain-macro tlds;"},
};

static bool add(void *arg, struct span text)
{
    char *to = arg;
    size_t len = strlen(to);

    snprintf(to + len, 512 - len, "%.*s ", SPAN_ARG(text));
    return true;
}

static void what_texts_stand_for(void **state)
{
    struct macro list[COUNT_OF(sections)];
    char why[512] = "", got[512];
    struct macros *m = macros_new(list, read_sections(list), why, sizeof why);

    (void)state;
    assert_row(m, why);
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        bool ok;

        *got = '\0';
        ok = macros_expand(m, span_of(rows[i].text), add, got, why, sizeof why);
        assert_row(ok == (*rows[i].all != '!'), rows[i].text);
        if (ok)
            assert_string_equal(got, rows[i].all);
        else
            assert_row(!strncmp(why, rows[i].all + 1, strlen(rows[i].all + 1)), why);
    }
    assert_string_equal(macros_first(m, SPAN("yahoo.$tld"))->head.title, "tld");
    assert_null(macros_first(m, SPAN("yahoo.com")));
    macros_free(&m);
    assert_null(m);
    *got = '\0';
    assert_true(macros_expand(NULL, SPAN("a"), add, got, why, sizeof why));
    assert_false(macros_expand(NULL, SPAN("$a"), add, got, why, sizeof why));
}

/* One line each: the title, and a word or two. */
static const struct {
    const char *lines[3][3];
    const char *why;
} wrong[] = {
    {{{"a", "$a"}}, "f:1: domain-macro a: stands for itself, in a circle; take $a out of "},
    {{{"a", "$b"}, {"b", "x.$a"}}, "in a circle by way of b; take $a out of domain-macro b"},
    {{{"a", "x", "$b.y"}, {"b", "$c"}, {"c", "$a"}}, "take $a out of domain-macro c"},
    {{{"a", "$b"}}, "f:1: domain-macro a: there is no domain-macro b; add it, or drop $b"},
    {{{"a", "b$"}}, "$ without a name behind it; write $NAME"},
    {{{"a-b", "c"}}, "f:1: domain-macro a-b: '-' is in its name; use letters, digits and _"},
    {{{"$a", "c"}}, "'$' is in its name"},
    {{{"a"}}, "f:1: domain-macro a: stands for nothing; write domain-macro NAME a, b, c"},
    {{{"a", ""}}, "one of its words is empty; leave it out"},
    {{{"a", "b"}, {"A", "c"}}, "f:2: domain-macro A: is there twice, first in f:1; "},
};

static void mistakes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct macro list[3];
        char why[512] = "";
        size_t n = 0;

        for (; n < 3 && wrong[i].lines[n][0]; n++) {
            const char *const *words = wrong[i].lines[n] + 1;

            list[n] = (struct macro){
                .head = {.title = wrong[i].lines[n][0], .file = "f", .line = (unsigned)n + 1},
                .words = {words, (size_t)(words[0] != NULL) + (words[0] && words[1])}};
        }
        assert_null(macros_new(list, n, why, sizeof why));
        assert_row(strstr(why, wrong[i].why), why);
    }
}

/* Twenty that each stand for two of the next: no memory, and no time, for a million texts. */
static void test_too_many(void **state)
{
    static const char *words[20][2];
    static char names[20][4], texts[20][2][8];
    struct macro list[20];
    char why[512] = "", got[512] = "";

    (void)state;
    for (unsigned depth = 2; depth <= 20; depth++) {
        struct macros *m;

        for (unsigned i = 0; i < depth; i++) {
            snprintf(names[i], sizeof names[i], "m%u", i);
            for (unsigned k = 0; k < 2; k++) {
                snprintf(texts[i][k], sizeof texts[i][k], i + 1 < depth ? "%u$m%u" : "%u", k,
                         i + 1);
                words[i][k] = texts[i][k];
            }
            list[i] = (struct macro){.head = {.title = names[i], .file = "f", .line = 1},
                                     .words = {words[i], 2}};
        }
        m = macros_new(list, depth, why, sizeof why);
        if (m && depth <= MACRO_DEPTH)
            assert_true(macros_expand(m, SPAN("$m0"), add, got, why, sizeof why));
        assert_row((m != NULL) == (depth <= MACRO_DEPTH), why);
        if (!m)
            assert_row(strstr(why, "nests more than 16 deep"), why);
        macros_free(&m);
    }
}

/* Of texts that are too many or too long there is none. */
static void limits(void **state)
{
    static const char *many[MACRO_MOST + 1];
    static char long_word[MACRO_TEXT];
    const char *one = long_word;
    struct macro list[] = {
        {.head = {.title = "many", .file = "f", .line = 1}, .words = {many, MACRO_MOST + 1}},
        {.head = {.title = "long", .file = "f", .line = 2}, .words = {&one, 1}},
    };
    char why[512] = "", got[512] = "";
    struct macros *m;

    (void)state;
    memset(long_word, 'a', sizeof long_word - 1);
    for (size_t i = 0; i <= MACRO_MOST; i++)
        many[i] = "";
    m = macros_new(list + 1, 1, why, sizeof why);
    assert_row(m, why);
    assert_true(macros_expand(m, SPAN("$long"), add, got, why, sizeof why));
    assert_false(macros_expand(m, SPAN("a$long.b"), add, got, why, sizeof why));
    assert_row(strstr(why, "longer than a domain can be"), why);
    macros_free(&m);
    for (size_t i = 0; i <= MACRO_MOST; i++)
        many[i] = "a";
    m = macros_new(list, 1, why, sizeof why);
    assert_row(m, why);
    *got = '\0';
    assert_false(macros_expand(m, SPAN("$many"), add, got, why, sizeof why));
    assert_row(strstr(why, "more than 200000 domains; write fewer"), why);
    macros_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_texts_stand_for),
        cmocka_unit_test(mistakes),
        cmocka_unit_test(test_too_many),
        cmocka_unit_test(limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
