/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/manners.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/settings.h"
#include "unit.h"

static struct domain section(const char *title, const char *ciphers)
{
    struct domain d = {.head = {.title = title, .file = "f", .line = 1}};

    option_defaults(domain_options, &d);
    for (const struct option *o = domain_options; o->name; o++) {
        if (!span_is(span_of("smtp_tls_ciphers"), o->name))
            continue;
        d.smtp_tls_ciphers = ciphers;
        d.head.set |= UINT64_C(1) << (o - domain_options);
    }
    assert_true(d.head.set != 0);
    return d;
}

static const char *const names[] = {
    "a.test",      "x.a.test",           "y.x.a.test",           "b.test",
    "[192.0.2.1]", "[127.0.0.1]",        "[127.1.0.5]",          "[10.0.0.1]",
    "[10.0.7.1]",  "[IPv6:2001:db8::1]", "[IPv6:2001:db8:1::1]",
};

/* Whatever sections come together for a domain, there is a way to speak TLS to it. */
static void every_rule(void **state)
{
    struct domain sections[] = {
        section("*", "HIGH"),
        section("a.test", "AES256-SHA256"),
        section("*.a.test", "AES128-SHA256"),
        section("x.a.test", "AES128-GCM-SHA256"),
        section("[127.0.0.0/8]", "ECDHE-RSA-AES128-GCM-SHA256"),
        section("[127.0.0.0/16]", "ECDHE-RSA-AES256-GCM-SHA384"),
        section("[10.0.0.0/8]", "ECDHE-ECDSA-AES128-GCM-SHA256"),
        section("[10.0.0.0/24]", "ECDHE-ECDSA-AES256-GCM-SHA384"),
        section("[2001:db8::/32]", "AES256-GCM-SHA384"),
        section("[2001:db8::/48]", "DEFAULT"),
    };
    char why[1024] = "";
    struct settings s = {.domain_sections = sections,
                         .domain_section_count = COUNT_OF(sections),
                         .domains =
                             domains_new(sections, COUNT_OF(sections), NULL, why, sizeof why)};
    struct manners *m;

    (void)state;
    assert_row(s.domains, why);
    m = manners_new(&s, why, sizeof why);
    assert_row(m, why);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct domain *rule = domains_find(s.domains, span_of(names[i]));

        assert_row(manners_find(m, rule, DEMAND_MAY), names[i]);
    }
    manners_free(&m);
    domains_free(&s.domains);
}

/* However long what they have in common is. */
static void same_beginning(void **state)
{
    static char ciphers[2][9001];
    struct domain sections[2];
    char why[1024] = "";
    struct settings s = {.domain_sections = sections, .domain_section_count = 2};
    struct tls *tls[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        memset(ciphers[i], ':', sizeof ciphers[i] - 1);
        memcpy(ciphers[i], "HIGH", 4);
        sections[i] = section(i ? "a.test" : "b.test", ciphers[i]);
    }
    memcpy(ciphers[1] + 8990, "!aNULL", 6);
    s.domains = domains_new(sections, 2, NULL, why, sizeof why);
    assert_row(s.domains, why);
    struct manners *m = manners_new(&s, why, sizeof why);

    assert_row(m, why);
    for (int i = 0; i < 2; i++) {
        tls[i] =
            manners_find(m, domains_find(s.domains, span_of(i ? "a.test" : "b.test")), DEMAND_MAY);
        assert_non_null(tls[i]);
    }
    assert_ptr_not_equal(tls[0], tls[1]);
    manners_free(&m);
    domains_free(&s.domains);
}

/* Old and weak TLS is better than none, and no more than that: where TLS is demanded it is spoken
 * as the system has it. */
static void weak_where_none_would_do(void **state)
{
    struct domain d = section("a.test", "DEFAULT");
    char why[1024] = "";
    struct settings s = {.domain_sections = &d, .domain_section_count = 1};

    (void)state;
    s.domains = domains_new(&d, 1, NULL, why, sizeof why);
    assert_row(s.domains, why);
    const struct domain *rule = domains_find(s.domains, SPAN("a.test"));
    struct manners *m = manners_new(&s, why, sizeof why);

    assert_row(m, why);
    assert_ptr_not_equal(manners_find(m, rule, DEMAND_MAY), manners_find(m, rule, DEMAND_ENCRYPT));
    assert_ptr_equal(manners_public(m), manners_find(m, domains_at(s.domains, 0), DEMAND_ENCRYPT));
    manners_free(&m);
    domains_free(&s.domains);
}

/* A mistake stands where its option does, not where the section begins. */
static void option_lines(void **state)
{
    unsigned lines[OPTION_MOST] = {0};
    struct domain d = section("a.test", "NO-SUCH-CIPHER");
    char why[1024] = "";
    struct settings s = {.domain_sections = &d, .domain_section_count = 1};

    (void)state;
    for (const struct option *o = domain_options; o->name; o++)
        lines[o - domain_options] = !strcmp(o->name, "smtp_tls_ciphers")   ? 5
                                    : !strcmp(o->name, "smtp_tls_ca_file") ? 7
                                                                           : 3;
    d.head.lines = lines;
    s.domains = domains_new(&d, 1, NULL, why, sizeof why);
    assert_non_null(s.domains);
    assert_null(manners_new(&s, why, sizeof why));
    assert_row(!strncmp(why, "f:5: domain a.test: ", 20), why);
    domains_free(&s.domains);
    d = section("a.test", "HIGH");
    d.head.lines = lines;
    d.smtp_tls_ca_file = "/dev/null";
    d.head.set = UINT64_MAX;
    s.domains = domains_new(&d, 1, NULL, why, sizeof why);
    assert_non_null(s.domains);
    assert_null(manners_new(&s, why, sizeof why));
    assert_row(!strncmp(why, "f:7: domain a.test: /dev/null: ", 31), why);
    domains_free(&s.domains);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule), cmocka_unit_test(same_beginning),
        cmocka_unit_test(weak_where_none_would_do), cmocka_unit_test(option_lines)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
