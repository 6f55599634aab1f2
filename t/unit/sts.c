/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/sts.h"

#include "unit.h"

static const struct {
    const char *name, *pattern, *host;
    bool covers;
} cases[] = {
    {"itself", "mx.example.com", "mx.example.com", true},
    {"case", "MX.Example.com", "mx.eXample.COM", true},
    {"another", "mx.example.com", "mx2.example.com", false},
    {"a longer one", "mx.example.com", "a.mx.example.com", false},
    {"the parent", "mx.example.com", "example.com", false},
    /* RFC 8461, 4.1: mail1.example.com yes, example.com and foo.bar.example.com no. */
    {"one label", "*.example.com", "mail1.example.com", true},
    {"one label, case", "*.EXAMPLE.com", "mail1.example.Com", true},
    {"no label", "*.example.com", "example.com", false},
    {"two labels", "*.example.com", "foo.bar.example.com", false},
    {"an empty label", "*.example.com", ".example.com", false},
    {"another's", "*.example.com", "mail1.example.net", false},
    {"a longer end", "*.example.com", "mail1.badexample.com", false},
    {"only a star", "*", "com", false},
    {"a star without a dot", "*example.com", "mailexample.com", false},
    {"a star elsewhere", "mx.*.com", "mx.example.com", false},
    {"a lone host", "*.com", "com", false},
    {"no host", "*.com", "", false},
    {"no pattern", "", "mx.example.com", false},
};

static void patterns(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_row(sts_covers(cases[i].pattern, cases[i].host) == cases[i].covers, cases[i].name);
}

static void words(void **state)
{
    (void)state;
    assert_string_equal(sts_mode_word(STS_ENFORCE), "enforce");
    assert_string_equal(sts_mode_word(STS_TESTING), "testing");
    assert_string_equal(sts_mode_word(STS_NONE), "none");
    assert_string_equal(sts_trouble_word(STS_FINE), "");
    assert_string_equal(sts_trouble_word(STS_FETCH_ERROR), "sts-policy-fetch-error");
    assert_string_equal(sts_trouble_word(STS_INVALID), "sts-policy-invalid");
    assert_string_equal(sts_trouble_word(STS_WEBPKI_INVALID), "sts-webpki-invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(patterns), cmocka_unit_test(words)};

    return cmocka_run_group_tests_name("sts", tests, NULL, NULL);
}
