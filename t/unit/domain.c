/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "rule/domain.h"
#include "rule/macro.h"

/* A section as the file would give it: its title, and "option value" one after the other. */
static struct domain section(const char *title, const char *said)
{
    struct domain s = {.head = {.title = title, .file = "f", .line = 7}};
    struct span rest = span_of(said);

    option_defaults(domain_options, &s);
    while (rest.len) {
        struct span name = span_cut(&rest, ' '), value = span_cut(&rest, ' ');
        const struct option *o = domain_options;

        while (o->name && !span_is(name, o->name))
            o++;
        assert_non_null(o->name);
        assert_true(option_read(o, value, &s));
        s.head.set |= UINT64_C(1) << (o - domain_options);
    }
    return s;
}

static const struct {
    const char *title, *said;
} sections[] = {
    {"mx.Example.com", "max_smtp_out 7"},
    {"*.example.com", "connect_timeout 3s max_smtp_out 3"},
    {"[*.]example.com", "connect_timeout 2s default_smtp_port 26"},
    {"*", "connect_timeout 1s max_smtp_out 1"},
    {"example.com", "max_smtp_out 4"},
    {"*.a.b.example.com", "require_starttls yes"},
    {"[*.]com", "smtp_greeting_timeout 9s"},
    {"[10.0.0.0/8]", "max_smtp_out 8"},
    {"[10.1.0.0/16]", "connect_timeout 16s"},
    {"[IPv6:2001:db8::/32]", "max_smtp_out 6"},
    {"org", "max_smtp_out 5"},
    {"b\303\274cher.example", "max_smtp_out 9"},
    {"*.XN--MLLER-KVA.example", "max_smtp_out 10"},
    {"[*.]\303\204.\303\226.test", "max_smtp_out 11"},
};

static const struct {
    const char *name, *title;
    unsigned long connect, greeting, port, most;
    bool require;
} cases[] = {
    {"example.net", "*", 1, 60, 25, 1, false},
    {"net", "*", 1, 60, 25, 1, false},
    {"org", "org", 1, 60, 25, 5, false},
    {"ORG.", "org", 1, 60, 25, 5, false},
    {"x.org", "*", 1, 60, 25, 1, false},
    {"com", "[*.]com", 1, 9, 25, 1, false},
    {"xexample.com", "[*.]com", 1, 9, 25, 1, false},
    {"example.com", "example.com", 2, 9, 26, 4, false},
    {"EXAMPLE.Com", "example.com", 2, 9, 26, 4, false},
    {"www.example.com", "*.example.com", 3, 9, 26, 3, false},
    {"mx.example.com", "mx.Example.com", 3, 9, 26, 7, false},
    {"x.mx.example.com", "*.example.com", 3, 9, 26, 3, false},
    {"a.b.example.com", "*.example.com", 3, 9, 26, 3, false},
    {"x.a.b.example.com", "*.a.b.example.com", 3, 9, 26, 3, true},
    {"y.x.A.b.example.com", "*.a.b.example.com", 3, 9, 26, 3, true},
    {"[10.9.9.9]", "[10.0.0.0/8]", 1, 60, 25, 8, false},
    {"[10.1.9.9]", "[10.1.0.0/16]", 16, 60, 25, 8, false},
    {"[192.0.2.1]", "*", 1, 60, 25, 1, false},
    {"[IPv6:2001:db8::1]", "[IPv6:2001:db8::/32]", 1, 60, 25, 6, false},
    {"[nonsense]", "*", 1, 60, 25, 1, false},
    {"", "*", 1, 60, 25, 1, false},
    {".", "*", 1, 60, 25, 1, false},
    {"..", "*", 1, 60, 25, 1, false},
    {".com", "[*.]com", 1, 9, 25, 1, false},
    {"b\303\274cher.example", "b\303\274cher.example", 1, 60, 25, 9, false},
    {"B\303\234CHER.example", "b\303\274cher.example", 1, 60, 25, 9, false},
    {"xn--bcher-kva.example", "b\303\274cher.example", 1, 60, 25, 9, false},
    {"XN--BCHER-KVA.Example.", "b\303\274cher.example", 1, 60, 25, 9, false},
    {"b\165\314\210cher.example", "b\303\274cher.example", 1, 60, 25, 9, false},
    {"x.b\303\274cher.example", "*", 1, 60, 25, 1, false},
    {"x.m\303\274ller.example", "*.XN--MLLER-KVA.example", 1, 60, 25, 10, false},
    {"m\303\274ller.example", "*", 1, 60, 25, 1, false},
    {"\303\244.\303\266.test", "[*.]\303\204.\303\226.test", 1, 60, 25, 11, false},
    {"\303\251.xn--4ca.xn--nda.test", "[*.]\303\204.\303\226.test", 1, 60, 25, 11, false},
    {"\377\376.example", "*", 1, 60, 25, 1, false},
    {"[", "*", 1, 60, 25, 1, false},
    {"[]", "*", 1, 60, 25, 1, false},
};

static void test_merged(void **state)
{
    const struct domain *found;
    struct domain list[COUNT_OF(sections)];
    char why[256] = "";
    struct domains *d;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sections); i++)
        list[i] = section(sections[i].title, sections[i].said);
    d = domains_new(list, COUNT_OF(sections), NULL, why, sizeof why);
    assert_string_equal(d ? "" : why, "");
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        print_message("# %s\n", cases[i].name);
        found = domains_find(d, span_of(cases[i].name));
        assert_string_equal(found->head.title, cases[i].title);
        assert_int_equal(found->connect_timeout, cases[i].connect);
        assert_int_equal(found->smtp_greeting_timeout, cases[i].greeting);
        assert_int_equal(found->default_smtp_port, cases[i].port);
        assert_int_equal(found->max_smtp_out, cases[i].most);
        assert_int_equal(found->require_starttls, cases[i].require);
    }
    domains_free(&d);
    assert_null(d);
}

/* No name is too long, nor has too many labels. */
static void test_long_names(void **state)
{
    struct domain list[1] = {section("[*.]a", "max_smtp_out 2")};
    char why[256], name[2000];
    struct domains *d = domains_new(list, 1, NULL, why, sizeof why);

    (void)state;
    assert_non_null(d);
    for (size_t len = 0; len < sizeof name; len++) {
        name[len] = len % 2 ? '.' : 'a';
        assert_string_equal(domains_find(d, (struct span){name, len + 1})->head.title,
                            len < 256 ? "[*.]a" : "default");
    }
    domains_free(&d);
}

static void test_none(void **state)
{
    char why[256];
    struct domains *d = domains_new(NULL, 0, NULL, why, sizeof why);
    const struct domain *found;

    (void)state;
    assert_non_null(d);
    found = domains_find(d, SPAN("example.com"));
    assert_string_equal(found->head.title, "default");
    assert_true(found->use_starttls);
    assert_false(found->require_starttls);
    assert_string_equal(found->smtp_tls_ca_file, "");
    assert_int_equal(found->smtp_client_certificate.count, 0);
    assert_int_equal(found->smtp_data_termination_timeout, 540);
    domains_free(&d);
}

static const struct {
    const char *first, *first_says, *second, *second_says, *error;
} wrong[] = {
    {"*", "", "a.*.com", "", "f:7: domain a.*.com: not a pattern"},
    {"*", "", "*.", "", "f:7: domain *.: not a pattern"},
    {"*", "", "[*.]", "", "not a pattern"},
    {"*", "", "", "", "not a pattern"},
    {"*", "", "a..b", "", "not a pattern"},
    {"*", "", ".a", "", "not a pattern"},
    {"*", "", "a.", "", "not a pattern"},
    {"*", "", "[IPv6:2001:db8::1/32]", "", "not a pattern"},
    {"*", "", "b\303.example", "", "not a pattern"},
    {"*", "", "a.$tld", "", "f:7: domain a.$tld: there is no domain-macro tld; add"},
    {"b\303\274cher.example", "", "xn--bcher-kva.example", "", "is there twice, first in f:7"},
    {"[IPv6:2001:db8::/32]", "", "[2001:DB8::/32]", "", "is there twice"},
    {"[10.0.0.5]", "", "[10.0.0.5/32]", "", "is there twice"},
    {"*.a.com", "", "*.A.com", "", "is there twice"},
    {"[*.]a.com", "", "[*.]A.com", "", "is there twice"},
    {"*", "", "[10.0.0.1/8]", "", "not a pattern"},
    {"*", "", "user@example.com", "", "not a pattern"},
    {"*", "", "*", "", "is there twice, first in f:7"},
    {"a.com", "", "A.COM", "", "is there twice"},
    {"[10/8]", "", "[10.0.0.0/8]", "", "is there twice"},
    {"*", "", "a", "use_starttls no require_starttls yes",
     "f:7: domain a: use-starttls is no and require-starttls demands TLS"},
    {"*", "use_starttls no", "a", "require_starttls yes", "domain a: use-starttls is no"},
    {"*", "require_starttls yes", "[*.]a", "use_starttls no", "domain [*.]a: use-starttls is no"},
    {"*", "use_starttls no", "[10/8]", "smtp_tls_verify ca",
     "domain [10/8]: use-starttls is no and smtp-tls-verify demands TLS"},
    {"*", "use_starttls no smtp_tls_verify name", "a", "", "domain *: use-starttls is no"},
};

/* 465 goes with implicit TLS, unless the file says otherwise, be it 25. */
static void test_port(void **state)
{
    static const struct {
        const char *any, *one;
        uint16_t port;
    } rows[] = {
        {"", "", 25},
        {"", "default_smtp_port 2525", 2525},
        {"", "smtp_implicit_tls yes", 465},
        {"smtp_implicit_tls yes", "", 465},
        {"default_smtp_port 25", "smtp_implicit_tls yes", 25},
        {"smtp_implicit_tls yes", "default_smtp_port 4465", 4465},
    };
    char why[512];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct domain list[2] = {section("*", rows[i].any), section("a", rows[i].one)};
        struct domains *d = domains_new(list, 2, NULL, why, sizeof why);

        assert_non_null(d);
        assert_int_equal(rows[i].port, domain_port(domains_find(d, SPAN("a"))));
        domains_free(&d);
    }
}

static void test_wrong(void **state)
{
    char why[512];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        struct domain list[2] = {section(wrong[i].first, wrong[i].first_says),
                                 section(wrong[i].second, wrong[i].second_says)};

        print_message("# %s\n", wrong[i].second);
        assert_null(domains_new(list, 2, NULL, why, sizeof why));
        assert_non_null(strstr(why, wrong[i].error));
    }
}

/* Names that only look alike are not the same, and these are no contradictions. */
static void test_right(void **state)
{
    struct domain list[] = {
        section("*", "use_starttls no"),
        section("[*.]a.com", ""),
        section("*.a.com", ""),
        section("a.com", "use_starttls yes require_starttls yes"),
        section("_a-1.com", "require_starttls no"),
        section("xn--bcher-kva.example", ""),
        section("[0/0]", ""),
    };
    char why[512] = "";
    struct domains *d = domains_new(list, COUNT_OF(list), NULL, why, sizeof why);

    (void)state;
    assert_string_equal(d ? "" : why, "");
    domains_free(&d);
}

static const char *const tld[] = {"com", "de", "co.uk"}, *const same[] = {"de", "nl"},
                         *const net[] = {"[10.0.0.0/8]", "*.lab"};
static const struct macro macro_sections[] = {
    {.head = {.title = "tld", .file = "f", .line = 1}, .words = {tld, 3}},
    {.head = {.title = "same", .file = "f", .line = 2}, .words = {same, 2}},
    {.head = {.title = "inside", .file = "f", .line = 3}, .words = {net, 2}},
};

/* By macros, and what is written out beats them for what it says. */
static const struct {
    const char *name, *title;
    unsigned long port, most;
} by_macros[] = {
    {"yahoo.com", "yahoo.$tld", 26, 2},
    {"yahoo.de", "yahoo.de", 26, 3},
    {"YAHOO.Co.UK", "yahoo.$tld", 26, 2},
    {"yahoo.org", "*", 25, 1},
    {"x.yahoo.de", "*.yahoo.$TLD", 25, 4},
    {"x.yahoo.org", "*", 25, 1},
    {"[10.2.3.4]", "$inside", 25, 5},
    {"x.lab", "$inside", 25, 5},
    {"lab", "*", 25, 1},
};

static void test_macros(void **state)
{
    struct domain list[] = {
        section("yahoo.$tld", "default_smtp_port 26 max_smtp_out 2"),
        section("yahoo.de", "max_smtp_out 3"),
        section("*.yahoo.$TLD", "max_smtp_out 4"),
        section("$inside", "max_smtp_out 5"),
        section("*", "max_smtp_out 1"),
    };
    struct domain two[] = {section("yahoo.$tld", ""), section("yahoo.$same", "")};
    struct macros *m = macros_new(macro_sections, COUNT_OF(macro_sections), (char[256]){0}, 256);
    char why[512] = "";
    struct domains *d = domains_new(list, COUNT_OF(list), m, why, sizeof why);

    (void)state;
    assert_string_equal(d ? "" : why, "");
    for (size_t i = 0; i < COUNT_OF(by_macros); i++) {
        const struct domain *found = domains_find(d, span_of(by_macros[i].name));

        print_message("# %s\n", by_macros[i].name);
        assert_string_equal(found->head.title, by_macros[i].title);
        assert_int_equal(found->default_smtp_port, by_macros[i].port);
        assert_int_equal(found->max_smtp_out, by_macros[i].most);
    }
    /* The default, and what each section came to: not for each of its domains. */
    assert_int_equal(domains_count(d), 1 + COUNT_OF(list));
    domains_free(&d);
    two[1].head.line = 9;
    assert_null(domains_new(two, 2, m, why, sizeof why));
    assert_string_equal(why,
                        "f:9: domain yahoo.$same: by its macros yahoo.de is there twice, first "
                        "by yahoo.$tld in f:7; take it out of one of them");
    macros_free(&m);
}

/* What report-only names goes on to more specific sections, but for what they set themselves. */
static void reports(void **state)
{
    static const char *const both[] = {"Require-StartTLS", "smtp-tls-verify"},
                             *const one[] = {"starttls-memory"};
    struct domain list[] = {section("*", "require_starttls yes smtp_tls_verify ca"),
                            section("set.test", "require_starttls yes"),
                            section("other.test", "max_smtp_out 3"),
                            section("own.test", "require_starttls yes"), section("none.test", "")};
    static const struct {
        const char *name;
        unsigned reports;
    } want[] = {
        {"any.test", 1 << DEMAND_REPORT_require_starttls | 1 << DEMAND_REPORT_smtp_tls_verify},
        {"other.test", 1 << DEMAND_REPORT_require_starttls | 1 << DEMAND_REPORT_smtp_tls_verify},
        {"set.test", 1 << DEMAND_REPORT_smtp_tls_verify},
        {"own.test", 1 << DEMAND_REPORT_starttls_memory},
        {"none.test", 0},
    };
    char why[256] = "";
    struct domains *d;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(list); i++)
        if (i != 1 && i != 2)
            for (const struct option *o = domain_options; o->name; o++)
                if (!strcmp(o->name, "report_only"))
                    list[i].head.set |= UINT64_C(1) << (o - domain_options);
    list[0].report_only = (struct texts){both, 2};
    list[3].report_only = (struct texts){one, 1};
    d = domains_new(list, COUNT_OF(list), NULL, why, sizeof why);
    assert_non_null(d);
    for (size_t i = 0; i < COUNT_OF(want); i++)
        assert_int_equal(domains_find(d, span_of(want[i].name))->reports, want[i].reports);
    domains_free(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reports),         cmocka_unit_test(test_merged),
        cmocka_unit_test(test_long_names), cmocka_unit_test(test_none),
        cmocka_unit_test(test_wrong),      cmocka_unit_test(test_right),
        cmocka_unit_test(test_macros),     cmocka_unit_test(test_port),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
