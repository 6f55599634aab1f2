/* SPDX-License-Identifier: Apache-2.0
 *
 * As mistakes.c, of what leads to a domain's rule: macros, rollups, smtp-hosts.
 */
#include "conf/settings.h"

#include "unit.h"

static const struct {
    const char *text, *why;
} mistakes[] = {
    /* macros */
    {"domain-macro tld com, de\n\ndomain-macro TLD com\n",
     "f:3: domain-macro TLD: is there twice, first in f:1; make one of them"},
    {"domain-macro a $b\ndomain-macro b x.$c\ndomain-macro c $a\ndomain $a { }",
     "f:1: domain-macro a: stands for itself, in a circle by way of c; take $a out of "
     "domain-macro c"},
    {"domain-macro a-b com",
     "f:1: domain-macro a-b: '-' is in its name; use letters, digits and _"},
    {"domain-macro a $x", "f:1: domain-macro a: there is no domain-macro x; add it, or drop $x"},
    {"\ndomain yahoo.$tld { }",
     "f:2: domain yahoo.$tld: there is no domain-macro tld; add domain-macro tld a, b, c"},
    {"sender-domain $tld { }",
     "f:1: sender-domain $tld: there is no domain-macro tld; add domain-macro tld a, b, c"},
    {"domain-macro tld com, d!e\ndomain yahoo.$tld { }",
     "f:2: domain yahoo.$tld: stands for yahoo.d!e, not a pattern; patterns are *, example.com, "
     "*.example.com, [*.]example.com and [10.0.0.0/8]"},
    {"domain-macro tld com,\n de\ndomain-macro t2 {org, de}\ndomain a.$tld { }\ndomain a.$t2 { }",
     "f:5: domain a.$t2: by its macros a.de is there twice, first by a.$tld in f:4; take it out of "
     "one of them"},
    {"domain-macro tld com de", "f:1: domain-macro: a comma is missing between its values; add it"},
    {"domain-macro tld com,, de", "f:1: domain-macro: a word is missing behind the comma; add it"},
    {"domain-macro tld", "f:1: domain-macro: its words are missing; write domain-macro NAME a, b, "
                         "c"},
    {"domain-macro tld\ndomain x { use-starttls = 1 }",
     "f:1: domain-macro: its words are missing; write domain-macro NAME a, b, c\n"
     "f:2: use-starttls: '1' is neither yes nor no; choose one"},
    {"domain-macro tld = com", "f:1: domain-macro: its words are missing; write domain-macro NAME "
                               "a, b, c"},
    {"domain-macro tld com;", "f:1: domain-macro: lines end without a semicolon; drop it, or quote "
                              "the value"},
    {"domain-macro = com", "f:1: domain-macro: no such option outside of sections; see "
                           "sallyport.conf(5)"},
    {"domain-macro tld { }", "f:1: domain-macro tld: stands for nothing; write domain-macro NAME "
                             "a, b, c"},
    {"domain a { domain-macro tld com\n }",
     "f:1: domain a: the section has no closing } before domain-macro tld in line 1; add it"},

    /* rollups */
    {"mx a.example x.rollup", "f:1: mx: stands inside of mx-rollup-list only; move it"},
    {"domain x.rollup { }\nmx-rollup-list {\n mx a.example x.rollup\n mx A.example x.rollup\n}",
     "f:4: mx: A.example is there twice, first in f:3; make one section of them"},
    {"mx-rollup-list { }\nmx-rollup-list { }",
     "f:2: mx-rollup-list: the section is there twice, first in f:1; make one section of them"},
    {"mx-rollup-list {\n mx a.example\n}",
     "f:2: mx: a.example: the name of its rollup is missing; write mx a.example NAME.rollup"},
    {"mx-rollup-list {\n mx a.example x.example\n}",
     "f:2: mx: a.example: the name of its rollup is missing; write mx a.example NAME.rollup"},
    {"mx-rollup-list {\n mx a.example .rollup\n}",
     "f:2: mx: a.example: the name of its rollup is missing; write mx a.example NAME.rollup"},
    {"mx-rollup-list {\n mx a.example x.rollup rollup-by-name\n}",
     "f:2: mx: a.example: behind x.rollup stands rollup-by-ip or nothing; drop 'rollup-by-name'"},
    {"mx-rollup-list {\n mx a.example x.rollup rollup-by-ip now\n}",
     "f:2: mx: a.example: behind x.rollup stands rollup-by-ip or nothing; drop 'now'"},
    {"mx-rollup-list {\n mx a.*.example x.rollup\n}",
     "f:2: mx: 'a.*.example' is not a server; write mx.example.com or *.example.com"},
    {"mx-rollup-list {\n mx *.example x.rollup\n}\ndomain x.rollup { }",
     "f:2: mx: *.example: domain x.rollup does not say which servers these are; give it "
     "smtp-hosts, or say rollup-by-ip here"},
    {"mx-rollup-list {\n mx *.example x.rollup\n mx *.b.example x.rollup rollup-by-ip\n"
     " mx c.example y.rollup\n}\n"
     "domain x.rollup { smtp-hosts = a.example }\ndomain *.rollup { }\nworkers = x",
     "f:8: workers: 'x' is not a number from 0 to 256; choose one"},
    {"mx-rollup-list { mx = a }",
     "f:1: mx: no such option in mx-rollup-list; see sallyport.conf(5)"},
    {"mx-rollup-list x { }", "f:1: mx-rollup-list: has no title; drop x"},

    /* servers in place of MX */
    {"domain a {\n\n smtp-hosts = \"a.example,, b\"\n}",
     "f:3: smtp-hosts: 'a.example,, b': a host is missing; write \"a.example, [192.0.2.1]:26; "
     "lookup-mx:b.example\", 32 at most"},
    {"domain a { smtp-hosts = [192.0.2] }",
     "f:1: smtp-hosts: '[192.0.2]': not an IP address; write \"a.example, [192.0.2.1]:26; "
     "lookup-mx:b.example\", 32 at most"},
    {"domain a { smtp-hosts = b:0 }",
     "f:1: smtp-hosts: 'b:0': not a port; write \"a.example, [192.0.2.1]:26; "
     "lookup-mx:b.example\", 32 at most"},
};

static void test_mistakes(void **state)
{
    static char why[65536];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(mistakes); i++) {
        struct settings *s = settings_read_text(span_of(mistakes[i].text), "f", why, sizeof why);

        assert_string_equal(why, mistakes[i].why);
        assert_null(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mistakes)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
