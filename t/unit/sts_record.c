/* SPDX-License-Identifier: Apache-2.0 */
#include "sts/sts_record.h"

#include "unit.h"

static const struct {
    const char *name, *text; /* records, with '|' between */
    const char *id;          /* NULL: no policy to be fetched */
} cases[] = {
    {"RFC 8461, 3.1", "v=STSv1; id=20160831085700Z;", "20160831085700Z"},
    {"without the last delimiter", "v=STSv1; id=20160831085700Z", "20160831085700Z"},
    {"without spaces", "v=STSv1;id=1", "1"},
    {"with more", "v=STSv1 \t; \tid=1 ; ", "1"},
    {"32 characters", "v=STSv1; id=abcdefghijklmnopqrstuvwxyzABCDEF",
     "abcdefghijklmnopqrstuvwxyzABCDEF"},
    {"33", "v=STSv1; id=abcdefghijklmnopqrstuvwxyzABCDEFG", NULL},
    {"an extension", "v=STSv1; id=1; x-y.z_0=a:b<c>", "1"},
    {"an extension first", "v=STSv1; a=b; id=1", "1"},
    {"beside others", "v=spf1 -all|v=STSv1; id=1|x", "1"},
    {"none", "", NULL},
    {"others alone", "v=spf1 -all|v=STSv2; id=1;", NULL},
    {"two", "v=STSv1; id=1|v=STSv1; id=2", NULL},
    {"the same twice", "v=STSv1; id=1|v=STSv1; id=1", NULL},
    {"one good, one bad", "v=STSv1; id=1|v=STSv1; ?", NULL},
    {"one bad, one good", "v=STSv1; ?|v=STSv1; id=1", NULL},
    {"version in small letters", "v=stsv1; id=1", NULL},
    {"version alone", "v=STSv1", NULL},
    {"no id", "v=STSv1; a=b", NULL},
    {"two ids", "v=STSv1; id=1; id=2", NULL},
    {"the id is not the first", "id=1; v=STSv1", NULL},
    {"an empty id", "v=STSv1; id=;", NULL},
    {"an id with a hyphen", "v=STSv1; id=2016-08", NULL},
    {"ID", "v=STSv1; ID=1", NULL},
    {"a space in the middle", "v=STSv1; id=1 2", NULL},
    {"a space before =", "v=STSv1; id =1", NULL},
    {"no delimiter", "v=STSv1 id=1", NULL},
    {"two delimiters", "v=STSv1;; id=1", NULL},
    {"a name that begins badly", "v=STSv1; id=1; -a=b", NULL},
    {"a name of 33", "v=STSv1; id=1; abcdefghijklmnopqrstuvwxyzabcdefg=1", NULL},
    {"a value with =", "v=STSv1; id=1; a=b=c", NULL},
    {"a field that is none", "v=STSv1; id=1; a", NULL},
    {"8 bits", "v=STSv1; id=1; a=\xc3\xa4", NULL},
    {"quotes", "\"v=STSv1; id=1\"", NULL},
};

static void records(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct sts_record r = {.count = 0};
        struct span rest = span_of(cases[i].text);

        while (rest.len > 0)
            sts_record_add(&r, span_cut(&rest, '|'));
        assert_row(sts_record_is(&r) == (cases[i].id != NULL), cases[i].name);
        if (cases[i].id)
            assert_string_equal(r.id, cases[i].id);
    }
}

/* Cut anywhere, it is a record with less of the id, or none. */
static void cut(void **state)
{
    struct span text = SPAN("v=STSv1; id=20160831085700Z; a=b");

    (void)state;
    for (size_t len = 0; len <= text.len; len++) {
        struct sts_record r = {.count = 0};

        sts_record_add(&r, (struct span){text.at, len});
        assert_int_equal(sts_record_is(&r), len > 12 && len != 30 && len != 31);
        assert_memory_equal(r.id, "20160831085700Z", strlen(r.id));
    }
}

static void domains(void **state)
{
    char to[STS_DOMAIN], longest[STS_DOMAIN + 1];

    (void)state;
    assert_true(sts_record_domain("Example.COM", to));
    assert_string_equal(to, "example.com");
    assert_false(sts_record_domain("", to));
    assert_false(sts_record_domain(".example.com", to));
    assert_false(sts_record_domain("[192.0.2.1]", to));
    assert_false(sts_record_domain("a/b.example", to));
    assert_false(sts_record_domain("a:443.example", to));
    assert_false(sts_record_domain("b\xc3\xbc.example", to));
    memset(longest, 'a', sizeof longest);
    longest[STS_DOMAIN] = '\0';
    assert_false(sts_record_domain(longest, to));
    longest[STS_DOMAIN - 1] = '\0';
    assert_true(sts_record_domain(longest, to));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(records), cmocka_unit_test(cut),
                                       cmocka_unit_test(domains)};

    return cmocka_run_group_tests_name("sts_record", tests, NULL, NULL);
}
