/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include <stdio.h>

#include "milter/facts.h"
#include "milter/policy.h"

#define TLS .secure = true
#define TLS_BIT (1U << REPORT_require_starttls)
#define AUTH_BIT (1U << REPORT_require_auth)
#define AUTH(how) .user = SPAN("alice"), .mechanism = SPAN(how)

/* clang-format off */
static const struct {
    const char *name;
    struct source rule;
    struct client client;
    const char *answer; /* NULL: it passes */
    unsigned reported;
} cases[] = {
    {"nothing asked, nothing known", {.smtp_service = true}, {0}, NULL, 0},
    {"TLS asked, none there", {.require_starttls = true}, {0}, "530 5.7.0", 0},
    {"TLS asked, and there", {.require_starttls = true}, {TLS}, NULL, 0},
    {"TLS before AUTH: in the clear", {.require_starttls_before_auth = true,
     .allow_unencrypted_plain_auth = true}, {AUTH("PLAIN")}, "530 5.7.0", 0},
    {"TLS before AUTH: CRAM-MD5 too", {.require_starttls_before_auth = true},
     {AUTH("CRAM-MD5")}, "530 5.7.0", 0},
    {"TLS before AUTH: inside", {.require_starttls_before_auth = true}, {TLS, AUTH("PLAIN")}, NULL, 0},
    {"TLS before AUTH: nobody logged in", {.require_starttls_before_auth = true}, {0}, NULL, 0},
    {"PLAIN in the clear", {0}, {AUTH("PLAIN")}, "538 5.7.11", 0},
    {"LOGIN in the clear", {0}, {AUTH("LOGIN")}, "538 5.7.11", 0},
    {"small letters", {0}, {AUTH("plain")}, "538 5.7.11", 0},
    {"a bearer token in the clear", {0}, {AUTH("XOAUTH2")}, "538 5.7.11", 0},
    {"an unknown mechanism", {0}, {AUTH("NEW")}, "538 5.7.11", 0},
    {"a login whose mechanism is not said", {0}, {.user = SPAN("alice")}, "538 5.7.11", 0},
    {"a mechanism whose login is not said", {0}, {.mechanism = SPAN("PLAIN")}, "538 5.7.11", 0},
    {"CRAM-MD5 in the clear", {0}, {AUTH("CRAM-MD5")}, NULL, 0},
    {"SCRAM in the clear", {0}, {AUTH("SCRAM-SHA-256")}, NULL, 0},
    {"no more than the beginning of SCRAM", {0}, {AUTH("SCRAM")}, "538 5.7.11", 0},
    {"XCLIENT's login was elsewhere", {0}, {AUTH("XCLIENT")}, NULL, 0},
    {"PLAIN inside TLS", {0}, {TLS, AUTH("PLAIN")}, NULL, 0},
    {"PLAIN in the clear, allowed", {.allow_unencrypted_plain_auth = true}, {AUTH("PLAIN")}, NULL, 0},
    {"login asked, none there", {.require_auth = true}, {TLS}, "530 5.7.0", 0},
    {"login asked, and there", {.require_auth = true}, {TLS, AUTH("PLAIN")}, NULL, 0},
    {"TLS is asked for before the login", {.require_auth = true, .require_starttls = true}, {0},
     "530 5.7.0", 0},
    {"TLS is reported only", {.require_starttls = true, .reports = TLS_BIT}, {0}, NULL, TLS_BIT},
    {"and there is nothing to report", {.require_starttls = true, .reports = TLS_BIT}, {TLS}, NULL, 0},
    {"the login is reported only", {.require_auth = true, .reports = AUTH_BIT}, {TLS}, NULL,
     AUTH_BIT},
    {"both", {.require_auth = true, .require_starttls = true, .reports = TLS_BIT | AUTH_BIT}, {0},
     NULL, TLS_BIT | AUTH_BIT},
    {"one of them is enforced", {.require_auth = true, .require_starttls = true,
     .reports = TLS_BIT}, {0}, "530 5.7.0", TLS_BIT},
    {"a secret in the clear is never only reported", {.require_starttls = true, .reports = ~0U},
     {AUTH("PLAIN")}, "538 5.7.11", TLS_BIT},
};

static const struct {
    const char *name, *version, *protocol, *verify, *subject;
    bool secure;
    const char *is_verify, *is_subject;
} macros[] = {
    {"Postfix, no TLS", "Postfix 3.7.11", "", "", "", false, "", ""},
    {"Postfix, TLS", "Postfix 3.7.11", "TLSv1.3", "", "", true, "", ""},
    {"Postfix names verified ones only", "Postfix 3.7.11", "TLSv1.3", "", "client.test", true,
     "ok", "client.test"},
    {"Sendmail, no TLS", "8.17.1.9", "", "NONE", "", false, "", ""},
    {"Sendmail, no certificate", "8.17.1.9", "TLSv1.3", "NO", "", true, "none", ""},
    {"Sendmail, none asked for", "8.17.1.9", "TLSv1.3", "NOT", "", true, "none", ""},
    {"Sendmail, good", "8.17.1.9", "TLSv1.3", "OK", "/O=Lab/CN=a+20b", true, "ok",
     "/O=Lab/CN=a b"},
    {"Sendmail, good, no xtext", "8.17.1.9", "TLSv1.3", "OK", "/CN=a+zz", true, "ok", "/CN=a+zz"},
    {"Sendmail, forged", "8.17.1.9", "TLSv1.3", "FAIL", "/O=Evil/CN=forged.test", true, "FAIL", ""},
    {"another that says nothing of it", "", "TLSv1.2", "", "/CN=who", true, "", ""},
};
/* clang-format on */

static void rules_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reported noted = {0};
        const struct refusal *r = policy_at_mail(&cases[i].rule, &cases[i].client, &noted);
        char code[4], enhanced[12], answer[24];

        assert_row(!r == !cases[i].answer, cases[i].name);
        assert_row(noted.rules == cases[i].reported, cases[i].name);
        if (!r)
            continue;
        refusal_codes(r, code, enhanced);
        snprintf(answer, sizeof answer, "%s %s", code, enhanced);
        assert_row(strcmp(answer, cases[i].answer) == 0, cases[i].name);
        assert_row(code[0] == enhanced[0] && !strchr(r->text, '%'), cases[i].name);
    }
}

static void classes_agree(void **state)
{
    char code[4], enhanced[12];

    (void)state;
    refusal_codes(&policy_no_room, code, enhanced);
    assert_string_equal(code, "452");
    assert_string_equal(enhanced, "4.3.1");
    refusal_codes(&(struct refusal){554, 123, 456, ""}, code, enhanced);
    assert_string_equal(enhanced, "5.123.456");
}

static void subjects_need_a_voucher(void **state)
{
    static struct session s;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(macros); i++) {
        struct macros m = {.bits = "256", .cipher = "SUITE"};

        snprintf(m.version, sizeof m.version, "%s", macros[i].version);
        snprintf(m.protocol, sizeof m.protocol, "%s", macros[i].protocol);
        snprintf(m.verify, sizeof m.verify, "%s", macros[i].verify);
        snprintf(m.subject, sizeof m.subject, "%s", macros[i].subject);
        snprintf(s.tls.peer_subject, sizeof s.tls.peer_subject, "of before");
        facts_of_macros(&s, &m);
        assert_row(s.secure == macros[i].secure, macros[i].name);
        assert_row(strcmp(s.tls.verify, macros[i].is_verify) == 0, macros[i].name);
        assert_row(strcmp(s.tls.peer_subject, macros[i].is_subject) == 0, macros[i].name);
        assert_row(strcmp(s.tls.protocol, s.secure ? macros[i].protocol : "") == 0, macros[i].name);
        assert_row(s.tls.bits == (s.secure ? 256 : 0), macros[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_hold),
        cmocka_unit_test(classes_agree),
        cmocka_unit_test(subjects_need_a_voucher),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
