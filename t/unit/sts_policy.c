/* SPDX-License-Identifier: Apache-2.0 */
#include "sts/sts_policy.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

#define V "version: STSv1\n"
#define LABEL "abcdefghijklmnopqrstuvwxyz0123456789abcdefghijklmnopqrstuvwxyz0"

static const struct {
    const char *name;
    struct span text;
    const char *want; /* mode, age, patterns; NULL: no policy */
} cases[] = {
    {"RFC 8461, 3.2",
     SPAN(V "mode: enforce\nmx: mail.example.com\nmx: *.example.net\nmx: backupmx.example.com\n"
            "max_age: 604800\n"),
     "enforce 604800 mail.example.com *.example.net backupmx.example.com"},
    {"CRLF", SPAN("version: STSv1\r\nmode: testing\r\nmx: a.b\r\nmax_age: 1\r\n"), "testing 1 a.b"},
    {"both, and no last one", SPAN("version: STSv1\r\nmode: testing\nmx: a.b\r\nmax_age: 1"),
     "testing 1 a.b"},
    {"any order", SPAN("max_age: 1\nmx: a.b\nmode: enforce\nversion: STSv1\n"), "enforce 1 a.b"},
    {"no space", SPAN("version:STSv1\nmode:enforce\nmx:a.b\nmax_age:1\n"), "enforce 1 a.b"},
    {"more of it", SPAN("version: \t STSv1  \nmode:  enforce\t\nmx: a.b \nmax_age: 1 \n"),
     "enforce 1 a.b"},
    {"none", SPAN(V "mode: none\nmax_age: 86400\n"), "none 86400"},
    {"none, with servers", SPAN(V "mode: none\nmx: a.b\nmax_age: 0\n"), "none 0 a.b"},
    {"a year", SPAN(V "mode: none\nmax_age: 31557600\n"), "none 31557600"},
    {"ten digits", SPAN(V "mode: none\nmax_age: 0000000001\n"), "none 1"},
    {"unknown fields",
     SPAN(V "mode: none\nx-y.z_9: *, anything: at all;=\nmax_age: 1\nu: \xc3\xa4\n"), "none 1"},
    {"the first counts",
     SPAN(V "mode: none\nmode: enforce\nmax_age: 1\nmax_age: no number\nversion: STSv2\n"),
     "none 1"},
    {"capitals in names", SPAN(V "mode: enforce\nmx: MX.Example.COM\nmax_age: 1\n"),
     "enforce 1 mx.example.com"},
    {"empty lines", SPAN("\n" V "\r\nmode: none\nmax_age: 1\n\n"), "none 1"},
    {"a label of 63", SPAN(V "mode: enforce\nmx: " LABEL ".a\nmax_age: 1\n"),
     "enforce 1 " LABEL ".a"},
    {"of 64", SPAN(V "mode: enforce\nmx: x" LABEL ".a\nmax_age: 1\n"), NULL},
    {"254 characters",
     SPAN(V "mode: enforce\nmx: " LABEL "." LABEL "." LABEL "." LABEL "\nmax_age: 1\n"), NULL},
    {"nothing", SPAN(""), NULL},
    {"no version", SPAN("mode: none\nmax_age: 1\n"), NULL},
    {"another version", SPAN("version: STSv2\nmode: none\nmax_age: 1\n"), NULL},
    {"version in small letters", SPAN("version: stsv1\nmode: none\nmax_age: 1\n"), NULL},
    {"a name in capitals", SPAN("Version: STSv1\nmode: none\nmax_age: 1\n"), NULL},
    {"no mode", SPAN(V "mx: a.b\nmax_age: 1\n"), NULL},
    {"another mode", SPAN(V "mode: report\nmx: a.b\nmax_age: 1\n"), NULL},
    {"no age", SPAN(V "mode: none\n"), NULL},
    {"more than a year", SPAN(V "mode: none\nmax_age: 31557601\n"), NULL},
    {"eleven digits", SPAN(V "mode: none\nmax_age: 00000000001\n"), NULL},
    {"a negative age", SPAN(V "mode: none\nmax_age: -1\n"), NULL},
    {"an age with a unit", SPAN(V "mode: none\nmax_age: 1d\n"), NULL},
    {"an empty age", SPAN(V "mode: none\nmax_age:\n"), NULL},
    {"enforce without a server", SPAN(V "mode: enforce\nmax_age: 1\n"), NULL},
    {"testing without a server", SPAN(V "mode: testing\nmax_age: 1\n"), NULL},
    {"a lone star", SPAN(V "mode: enforce\nmx: *\nmax_age: 1\n"), NULL},
    {"a star and a dot", SPAN(V "mode: enforce\nmx: *.\nmax_age: 1\n"), NULL},
    {"a star within", SPAN(V "mode: enforce\nmx: a.*.b\nmax_age: 1\n"), NULL},
    {"a star in a label", SPAN(V "mode: enforce\nmx: *a.b\nmax_age: 1\n"), NULL},
    {"a dot in front", SPAN(V "mode: enforce\nmx: .a.b\nmax_age: 1\n"), NULL},
    {"two dots", SPAN(V "mode: enforce\nmx: a..b\nmax_age: 1\n"), NULL},
    {"a dot at the end", SPAN(V "mode: enforce\nmx: a.b.\nmax_age: 1\n"), NULL},
    {"an address", SPAN(V "mode: enforce\nmx: [192.0.2.1]\nmax_age: 1\n"), NULL},
    {"two in a line", SPAN(V "mode: enforce\nmx: a.b c.d\nmax_age: 1\n"), NULL},
    {"an empty mx", SPAN(V "mode: enforce\nmx: a.b\nmx:\nmax_age: 1\n"), NULL},
    {"a U-label", SPAN(V "mode: enforce\nmx: b\xc3\xbc.test\nmax_age: 1\n"), NULL},
    {"no field", SPAN(V "mode: none\nmax_age: 1\nwhat is this\n"), NULL},
    {"a space before the colon", SPAN("version : STSv1\nmode: none\nmax_age: 1\n"), NULL},
    {"a space in front", SPAN(" version: STSv1\nmode: none\nmax_age: 1\n"), NULL},
    {"CR alone", SPAN("version: STSv1\rmode: none\rmax_age: 1\r"), NULL},
    {"a NUL", SPAN(V "mode: none\nmax_age: 1\na: \0\n"), NULL},
    {"a NUL in a name", SPAN(V "mode: none\nmax_age: 1\na\0b: 1\n"), NULL},
    {"HTML", SPAN("<!DOCTYPE html>\n<html>\n"), NULL},
};

static const char *shown(const struct sts_policy *p)
{
    static char text[4096];
    int used = snprintf(text, sizeof text, "%s %u", sts_mode_word(p->mode), p->max_age);

    for (size_t i = 0; i < p->count; i++)
        used += snprintf(text + used, sizeof text - (size_t)used, " %s", p->mx[i]);
    return text;
}

static void policies(void **state)
{
    struct sts_policy p, again;
    char text[4096];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_row(sts_policy_read(cases[i].text, &p) == (cases[i].want != NULL), cases[i].name);
        if (!cases[i].want)
            continue;
        assert_string_equal(shown(&p), cases[i].want);
        assert_row(sts_policy_write(&p, text, sizeof text) == strlen(text), cases[i].name);
        assert_row(sts_policy_read(span_of(text), &again), cases[i].name);
        assert_string_equal(shown(&again), cases[i].want);
    }
}

/* Cut anywhere, it is no policy, or one that says less; bytes behind the end are not looked at. */
static void cut(void **state)
{
    struct sts_policy p;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t len = 0; len < cases[i].text.len; len++) {
            char *bytes = malloc(len + 1);

            memcpy(bytes, cases[i].text.at, len);
            if (sts_policy_read((struct span){bytes, len}, &p))
                assert_row(p.count <= STS_POLICY_MX && p.max_age <= STS_POLICY_MAX_AGE,
                           cases[i].name);
            free(bytes);
        }
}

static void ceilings(void **state)
{
    static char text[STS_POLICY_TEXT + 2], small[100];
    struct sts_policy p;
    size_t used = (size_t)snprintf(text, sizeof text, V "mode: enforce\nmax_age: 1\n");

    (void)state;
    for (size_t i = 0; i < STS_POLICY_MX; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "mx: mx%zu.example.com\n", i);
    assert_true(sts_policy_read((struct span){text, used}, &p));
    assert_int_equal(p.count, STS_POLICY_MX);
    assert_int_equal(sts_policy_write(&p, small, sizeof small), 0);

    size_t more = used + (size_t)snprintf(text + used, sizeof text - used, "mx: one.too.many\n");

    assert_false(sts_policy_read((struct span){text, more}, &p));
    memset(text + used, '\n', sizeof text - used);
    assert_true(sts_policy_read((struct span){text, STS_POLICY_TEXT}, &p));
    assert_false(sts_policy_read((struct span){text, STS_POLICY_TEXT + 1}, &p));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(policies), cmocka_unit_test(cut),
                                       cmocka_unit_test(ceilings)};

    return cmocka_run_group_tests_name("sts_policy", tests, NULL, NULL);
}
