/* SPDX-License-Identifier: Apache-2.0
 *
 * What a row of an accounting file says of a connection, as RFC 8460 has it.
 */
#include "t/unit/unit.h"

#include "cli/tlsrpt/session.h"

#define STS "version: STSv1; mode: enforce; mx: mx.a.test; max_age: 86400"

/* clang-format off */
static const struct {
    const char *name, *type, *tls, *result, *error, *policy, *policy_domain;
    enum session_is is;
    const char *want_type, *want_result, *want_reason, *want_policy_domain;
} cases[] = {
    {"no policy",          "d",  "TLSv1.3", "met",   "", "no-policy-found", "a.test", SESSION_GOOD, "no-policy-found", "", "", "a.test"},
    {"DANE",               "d",  "TLSv1.3", "met",   "", "3 1 1 AB", "mx.b.test", SESSION_GOOD, "tlsa", "", "", "mx.b.test"},
    {"STS",                "d",  "TLSv1.2", "met",   "", STS, "a.test", SESSION_GOOD, "sts", "", "", "a.test"},
    {"refused by the MX",  "b",  "TLSv1.3", "met",   "", "no-policy-found", "a.test", SESSION_GOOD, "no-policy-found", "", "", "a.test"},
    {"in the clear",       "d",  "", "clear", "starttls-not-offered", "no-policy-found", "a.test", SESSION_FAILED, "no-policy-found", "starttls-not-supported", "starttls-not-offered", "a.test"},
    {"DANE fails",         "tq", "TLSv1.3", "failed", "validation-failure", "3 1 1 AB", "mx.b.test", SESSION_FAILED, "tlsa", "validation-failure", "", "mx.b.test"},
    {"STS, testing",       "d",  "TLSv1.3", "testing-failed", "sts-certificate-expired", STS, "a.test", SESSION_FAILED, "sts", "certificate-expired", "sts-certificate-expired", "a.test"},
    {"no policy is had",   "d",  "TLSv1.3", "met",   "sts-policy-fetch-error", "sts", "a.test", SESSION_FAILED, "sts", "sts-policy-fetch-error", "", "a.test"},
    {"nor is it, in DANE", "d",  "TLSv1.3", "met",   "sts-policy-invalid", "3 1 1 AB", "mx.b.test", SESSION_FAILED, "sts", "sts-policy-invalid", "", "a.test"},
    {"TLSA nobody says",   "tq", "", "failed", "tlsa-invalid", "tlsa", "a.test", SESSION_FAILED, "tlsa", "tlsa-invalid", "", "a.test"},
    {"bogus MX records",   "t",  "", "failed", "dnssec-invalid", "", "", SESSION_FAILED, "tlsa", "dnssec-invalid", "", "a.test"},
    {"our rule only notes","d",  "TLSv1.3", "reported", "certificate-not-trusted", "no-policy-found", "a.test", SESSION_GOOD, "no-policy-found", "certificate-not-trusted", "", "a.test"},
    {"it notes no TLS",    "d",  "", "reported", "starttls-not-offered", "no-policy-found", "a.test", SESSION_FAILED, "no-policy-found", "starttls-not-supported", "starttls-not-offered", "a.test"},
    {"refused",            "tq", "", "", "", "no-policy-found", "a.test", SESSION_NONE, "", "", "", ""},
    {"a failed login",     "tq", "TLSv1.3", "met", "", "no-policy-found", "a.test", SESSION_GOOD, "no-policy-found", "", "", "a.test"},
};
/* clang-format on */

static void row_of(size_t i, struct span cell[SESSION_FIELDS])
{
    memset(cell, 0, SESSION_FIELDS * sizeof *cell);
    cell[SESSION_type] = span_of(cases[i].type);
    cell[SESSION_timeLogged] = SPAN("2026-11-21 23:59:59+0000");
    cell[SESSION_queue] = SPAN("a.test/{default}");
    cell[SESSION_dsnMta] = SPAN("mx.b.test (192.0.2.1)");
    cell[SESSION_dlvDestinationIp] = SPAN("192.0.2.1");
    cell[SESSION_dlvSessionId] = SPAN("S1");
    cell[SESSION_dlvTlsProtocol] = span_of(cases[i].tls);
    cell[SESSION_dlvTlsPolicyResult] = span_of(cases[i].result);
    cell[SESSION_dlvTlsError] = span_of(cases[i].error);
    cell[SESSION_dlvTlsPolicyText] = span_of(cases[i].policy);
    cell[SESSION_dlvTlsPolicyDomain] = span_of(cases[i].policy_domain);
}

static const int64_t day = 1795219200; /* 2026-11-21 */

static void rows(void **state)
{
    struct span cell[SESSION_FIELDS];
    struct session s;
    const char *why;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool is_some = cases[i].is != SESSION_NONE;

        row_of(i, cell);
        assert_row(session_read(cell, day, &s, &why) == is_some, cases[i].name);
        assert_null(why);
        if (!is_some)
            continue;
        assert_row(s.is == cases[i].is, cases[i].name);
        assert_row(s.is_attempt == (strcmp(cases[i].type, "tq") == 0), cases[i].name);
        assert_row(span_is(s.type, cases[i].want_type), cases[i].name);
        assert_row(span_is(s.result, cases[i].want_result), cases[i].name);
        assert_row(span_is(s.reason, cases[i].want_reason), cases[i].name);
        assert_row(span_is(s.policy_domain, cases[i].want_policy_domain), cases[i].name);
        assert_span(s.domain, "a.test");
        assert_span(s.mx, "mx.b.test");
    }
}

static bool is_read(const struct span cell[SESSION_FIELDS])
{
    struct session s;
    const char *why;

    return session_read(cell, day, &s, &why);
}

static void other_rows(void **state)
{
    struct span cell[SESSION_FIELDS];
    struct session s;
    const char *why;

    (void)state;
    row_of(0, cell);
    cell[SESSION_timeLogged] = SPAN("2026-11-22 00:00:00+0000");
    assert_false(is_read(cell));
    cell[SESSION_timeLogged] = SPAN("1795219199");
    assert_false(is_read(cell));
    cell[SESSION_timeLogged] = SPAN("1795219200");
    assert_true(is_read(cell));
    cell[SESSION_timeLogged] = SPAN("then");
    assert_false(session_read(cell, day, &s, &why));
    assert_string_equal(why, "timeLogged is no time");
    row_of(0, cell);
    cell[SESSION_type] = SPAN("r");
    assert_false(is_read(cell));
    row_of(0, cell);
    cell[SESSION_dlvSessionId] = SPAN("");
    assert_false(is_read(cell));
    row_of(10, cell); /* DNSSEC left no server to connect to */
    cell[SESSION_dlvSessionId] = SPAN("");
    cell[SESSION_sessionId] = SPAN("M1");
    assert_true(session_read(cell, day, &s, &why));
    assert_span(s.id, "M1");
    row_of(0, cell);
    cell[SESSION_dlvTlsPolicyDomain] = SPAN("../../etc"); /* it becomes a file's name */
    assert_false(is_read(cell));
    row_of(0, cell);
    cell[SESSION_dsnMta] = SPAN("192.0.2.1 (192.0.2.1)");
    assert_true(session_read(cell, day, &s, &why));
    assert_span(s.mx, "");
}

static void reports(void **state)
{
    struct span cell[SESSION_FIELDS];
    struct session s;
    const char *why;

    (void)state;
    row_of(0, cell);
    cell[SESSION_reportDomain] = SPAN("a.test");
    assert_true(session_read(cell, day, &s, &why));
    assert_int_equal(s.is, SESSION_REPORT);
    row_of(4, cell);
    cell[SESSION_envId] = SPAN("tlsrpt.0123");
    cell[SESSION_dlvSessionId] = SPAN("");
    assert_true(session_read(cell, day, &s, &why));
    assert_int_equal(s.is, SESSION_REPORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows), cmocka_unit_test(other_rows),
                                       cmocka_unit_test(reports)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
