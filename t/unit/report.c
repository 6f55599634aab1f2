/* SPDX-License-Identifier: Apache-2.0
 *
 * What report-only comes to, and what {auth} may say.
 */
#include "t/unit/unit.h"

#include <stdio.h>

#include "t/lib/rules.h"

static struct addr client(void)
{
    struct addr a;

    assert_true(addr_read(SPAN("10.0.0.1"), &a));
    return a;
}

/* What report-only comes to, from general to specific. */
#define TLS (1U << REPORT_require_starttls)
#define AUTH (1U << REPORT_require_auth)

static const struct {
    const char *name, *all, *net, *named, *auth; /* NULL: no such section */
    unsigned reports, reports_in;                /* before and after the login */
} reports[] = {
    {"nobody says so", "require_auth yes", NULL, NULL, NULL, 0, 0},
    {"of the same section", "require_auth yes report_only require-auth", NULL, NULL, NULL, AUTH,
     AUTH},
    {"of a rule that is set below", "require_auth yes", "report_only REQUIRE-AUTH", NULL, NULL,
     AUTH, AUTH},
    {"the more specific list wins", "report_only require-auth", "report_only require-starttls",
     NULL, NULL, TLS, TLS},
    {"a rule set anew is enforced", "report_only require-auth,require-starttls", "require_auth yes",
     NULL, NULL, TLS, TLS},
    {"above all by the listener's section", "report_only require-auth,require-starttls", NULL,
     "require_auth yes", NULL, TLS, TLS},
    {"which may say so itself", "require_auth yes", NULL, "report_only require-starttls", NULL, TLS,
     TLS},
    {"other options do not matter", "report_only require-auth", "allow_auth yes",
     "smtp_data_timeout 1m", NULL, AUTH, AUTH},
    {"of those who logged in", "require_auth yes", NULL, NULL, "report_only require-starttls", 0,
     TLS},
    {"under the listener's section", "require_auth yes", NULL, "report_only require-auth",
     "report_only require-starttls", AUTH, AUTH},
};

static void test_reports(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(reports); i++) {
        const char *const titles[] = {"0/0", "10/8", "listener", "{auth}"};
        const char *const said[] = {reports[i].all, reports[i].net, reports[i].named,
                                    reports[i].auth};
        struct source sections[COUNT_OF(said)], found;
        struct addr a = client();
        char why[512] = "";
        size_t n = 0;

        for (size_t k = 0; k < COUNT_OF(said); k++)
            if (said[k])
                sections[n++] = rules_section(titles[k], said[k]);

        struct sources *s = sources_new(sections, n, why, sizeof why);

        print_message("# %s\n", reports[i].name);
        assert_string_equal(s ? "" : why, "");
        sources_find(s, &a, "listener", &found);
        assert_int_equal(found.reports, reports[i].reports);
        sources_find_auth(s, &a, "listener", &found);
        assert_int_equal(found.reports, reports[i].reports_in);
        sources_free(&s);
    }
}

/* Over the networks, under the listener's section. */
static void test_auth(void **state)
{
    struct source sections[] = {
        rules_section("0/0", "smtp_command_timeout 1m smtp_data_timeout 1m max_message_size 1m"),
        rules_section("{AUTH}", "smtp_command_timeout 2m smtp_data_timeout 2m"),
        rules_section("listener", "smtp_data_timeout 3m"),
    };
    struct addr a = client();
    struct source found;
    char why[512] = "";
    struct sources *s = sources_new(sections, COUNT_OF(sections), why, sizeof why);

    (void)state;
    assert_string_equal(s ? "" : why, "");
    sources_find(s, &a, "", &found);
    assert_int_equal(found.smtp_command_timeout, 60);
    sources_find_auth(s, &a, "", &found);
    assert_int_equal(found.smtp_command_timeout, 120);
    assert_int_equal(found.smtp_data_timeout, 120);
    assert_int_equal(found.max_message_size, 1 << 20);
    assert_string_equal(found.head.title, "{AUTH}");
    sources_find_auth(s, &a, "listener", &found);
    assert_int_equal(found.smtp_command_timeout, 120);
    assert_int_equal(found.smtp_data_timeout, 180);
    assert_string_equal(found.head.title, "listener");
    assert_false(sources_has_name(s, "{auth}"));
    sources_find(s, &a, "{auth}", &found);
    assert_int_equal(found.smtp_command_timeout, 60);
    sources_free(&s);
}

static const struct {
    const char *title, *said, *says;
} refused[] = {
    {"0/0", "report_only require-auth,allow-auth",
     "f:7: report-only: 'allow-auth' cannot be reported only; these can: require-starttls "
     "require-auth smtp-service verify-client-certificate client-certificate-fingerprints"},
    {"0/0", "report_only require-starttls-before-auth", "'require-starttls-before-auth' cannot"},
    {"0/0", "report_only allow-unencrypted-plain-auth", "'allow-unencrypted-plain-auth' cannot"},
    {"0/0", "report_only max-message-size", "'max-message-size' cannot"},
    {"0/0", "report_only max-connections-per-client", "'max-connections-per-client' cannot"},
    {"0/0", "report_only smtp-max-auth-failure-rate", "'smtp-max-auth-failure-rate' cannot"},
    {"0/0", "report_only smtp-bare-newline", "'smtp-bare-newline' cannot"},
    {"0/0", "report_only nonsense", "'nonsense' cannot"},
    {"0/0", "smtp_max_auth_failure_rate 10/x",
     "f:7: smtp-max-auth-failure-rate: '10/x' is not a rate; write unlimited, 10/h or 3/5m, with "
     "d, h, m or s, at most 4000 within 366 days"},
    {"{auth}", "allow_starttls yes",
     "f:7: source {auth}: sets what is decided before a client logs in; here may stand "},
    {"{auth}", "max_connections_per_client 3", "f:7: source {auth}: sets what is decided"},
};

static void test_refused(void **state)
{
    char why[512];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(refused); i++) {
        struct source one = rules_section(refused[i].title, refused[i].said);

        print_message("# %s %s\n", refused[i].title, refused[i].said);
        assert_null(sources_new(&one, 1, why, sizeof why));
        assert_non_null(strstr(why, refused[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reports),
        cmocka_unit_test(test_auth),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
