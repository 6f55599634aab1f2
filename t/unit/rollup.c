/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/rollup.h"

#include "unit.h"

static const struct rollup_mx lines[] = {
    {.head.title = "aspmx.l.google.test", .name = "google.rollup"},
    {.head.title = "*.protection.outlook.test", .name = "outlook.rollup", .by_ip = true},
    {.head.title = "*.eu.protection.outlook.test", .name = "eu.rollup"},
    {.head.title = "mx1.two.test", .name = "two.rollup"},
    {.head.title = "mx2.two.test", .name = "two.rollup"},
    {.head.title = "mx3.protection.outlook.test", .name = "three.rollup"},
    {.head.title = "mx.mixed.test", .name = "mixed.rollup"},
    {.head.title = "*.mixed.test", .name = "mixed.rollup"},
};

static const struct {
    const char *servers[3], *name;
} rows[] = {
    {{"aspmx.l.google.test"}, "google.rollup"},
    {{"ASPMX.L.Google.test"}, "google.rollup"},
    {{"aspmx.l.google.test."}, "google.rollup"},
    {{"aspmx.l.google.test", "aspmx.l.google.test"}, "google.rollup"},
    {{"alt1.aspmx.l.google.test"}, NULL},
    {{"xaspmx.l.google.test"}, NULL},
    {{"aspmx.l.google.test", "mx.other.test"}, NULL},
    {{"mx.other.test", "aspmx.l.google.test"}, NULL},
    {{"a-test.protection.outlook.test"}, "outlook.rollup"},
    {{"a.b.protection.outlook.test", "c.protection.outlook.test"}, "outlook.rollup"},
    {{"protection.outlook.test"}, NULL},
    {{".protection.outlook.test"}, NULL},
    {{"xprotection.outlook.test"}, NULL},
    {{"a.eu.protection.outlook.test"}, "eu.rollup"},
    {{"a.eu.protection.outlook.test", "b.protection.outlook.test"}, NULL},
    {{"mx3.protection.outlook.test"}, "three.rollup"},
    {{"mx1.two.test"}, NULL}, /* the list has two of them */
    {{"mx1.two.test", "mx1.two.test"}, NULL},
    {{"mx1.two.test", "MX1.two.test"}, NULL},
    {{"mx1.two.test", "mx2.two.test"}, "two.rollup"},
    {{"mx2.two.test", "mx1.two.test"}, "two.rollup"},
    {{"mx1.two.test", "mx2.two.test", "mx3.two.test"}, NULL},
    {{"mx.mixed.test"}, "mixed.rollup"},
    {{"a.mixed.test"}, "mixed.rollup"},
    {{"mx.mixed.test", "a.mixed.test"}, "mixed.rollup"},
    {{""}, NULL},
    {{"."}, NULL},
    {{NULL}, NULL},
};

static void which_servers(void **state)
{
    const struct rollups list = {lines, COUNT_OF(lines)}, none = {NULL, 0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const char *name = rows[i].servers[0] ? rows[i].servers[0] : "none";
        const struct rollup_mx *found;
        size_t n = 0;

        while (n < 3 && rows[i].servers[n])
            n++;
        found = rollup_find(&list, rows[i].servers, n);
        assert_row((found != NULL) == (rows[i].name != NULL), name);
        if (found)
            assert_string_equal(found->name, rows[i].name);
        assert_null(rollup_find(&none, rows[i].servers, n));
    }
}

/* Each demand, one after the other: "option value" of the domain's own rule and of the rollup's. */
static const struct {
    const char *own, *rollup;
    bool keeps;
} demands[] = {
    {"", "", true},
    {"max_smtp_out 3", "max_smtp_out 4", true},
    {"require_starttls yes", "", false},
    {"require_starttls yes", "require_starttls yes", true},
    {"", "require_starttls yes", true},
    {"use_starttls no", "", true},
    {"", "use_starttls no", false},
    {"", "use_dane off", false},
    {"use_dane required", "", false},
    {"use_dane off", "use_dane required", true},
    {"", "use_mta_sts no", false},
    {"use_mta_sts no", "", true},
    {"starttls_memory 1d", "", false},
    {"starttls_memory 1d", "starttls_memory 1h", false},
    {"starttls_memory 1d", "starttls_memory 2d", true},
    {"smtp_tls_min_protocol TLSv1.3", "", false},
    {"smtp_tls_min_protocol TLSv1", "", true},
    {"smtp_implicit_tls yes", "", false},
    {"smtp_tls_verify ca", "", false},
    {"smtp_tls_verify ca", "smtp_tls_verify ca", true},
    {"smtp_tls_verify ca", "smtp_tls_verify name", true},
    {"smtp_tls_verify name", "smtp_tls_verify ca", false},
    {"smtp_tls_verify name", "smtp_tls_verify fingerprint", false},
    {"smtp_tls_verify fingerprint", "smtp_tls_verify name", false},
    {"smtp_tls_verify fingerprint", "smtp_tls_verify fingerprint", true},
};

static struct domain rule(const char *said)
{
    struct domain d = {.head = {.title = "x", .file = "f", .line = 1}};
    struct span rest = span_of(said);

    option_defaults(domain_options, &d);
    while (rest.len) {
        struct span name = span_cut(&rest, ' '), value = span_cut(&rest, ' ');
        const struct option *o = domain_options;

        while (o->name && !span_is(name, o->name))
            o++;
        assert_true(o->name && option_read(o, value, &d));
    }
    return d;
}

static void never_less(void **state)
{
    static const char *const one[] = {"aa"}, *const other[] = {"bb"};
    struct domain own, rollup;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(demands); i++) {
        own = rule(demands[i].own);
        rollup = rule(demands[i].rollup);
        assert_row(rollup_keeps(&rollup, &own) == demands[i].keeps, demands[i].own);
    }
    own = rollup = rule("smtp_tls_verify fingerprint");
    own.smtp_tls_fingerprints = rollup.smtp_tls_fingerprints = (struct texts){one, 1};
    assert_true(rollup_keeps(&rollup, &own));
    rollup.smtp_tls_fingerprints = (struct texts){other, 1};
    assert_false(rollup_keeps(&rollup, &own));
    rollup.smtp_tls_fingerprints = (struct texts){NULL, 0};
    assert_false(rollup_keeps(&rollup, &own));
    own = rollup = rule("smtp_tls_verify name");
    own.smtp_tls_name = "a.test";
    assert_false(rollup_keeps(&rollup, &own));
    own = rollup;
    own.smtp_tls_ca_file = "/ca.pem";
    assert_false(rollup_keeps(&rollup, &own));
    own = rollup = rule("require_starttls yes");
    rollup.reports = 1;
    assert_false(rollup_keeps(&rollup, &own));
    own.reports = 1;
    assert_true(rollup_keeps(&rollup, &own));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_servers),
        cmocka_unit_test(never_less),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
