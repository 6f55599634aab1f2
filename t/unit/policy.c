/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include <stdio.h>

#include "milter/facts.h"
#include "milter/policy.h"

#define TLS .tls = &plain
#define BY(facts) .tls = &(facts)
#define CERT .verify_client_certificate = SOURCE_VERIFY_REQUIRED
#define LIST .client_certificate_fingerprints = {prints, 1}
#define TLS_BIT (1U << REPORT_require_starttls)
#define AUTH_BIT (1U << REPORT_require_auth)
#define CERT_BIT (1U << REPORT_verify_client_certificate)
#define LIST_BIT (1U << REPORT_client_certificate_fingerprints)
#define EFS "efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef"
#define AUTH(how) .user = SPAN("alice"), .mechanism = SPAN(how)

static const char *const prints[] = {EFS};
static const struct tls_facts plain = {.bits = 256};
static const struct tls_facts good = {.verify = "ok"}, bad = {.verify = "FAIL"},
                              none = {.verify = "none"}, unlisted = {.verify = "not-listed"};

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
    {"allow-auth is about offering it", {.allow_auth = false}, {TLS, AUTH("PLAIN")}, NULL, 0},
    {"a certificate asked, no TLS", {CERT}, {0}, "530 5.7.0", 0},
    {"a certificate asked, none there", {CERT}, {BY(none)}, "530 5.7.0", 0},
    {"a certificate asked, nothing known of it", {CERT}, {TLS}, "530 5.7.0", 0},
    {"a certificate asked, a bad one", {CERT}, {BY(bad)}, "530 5.7.0", 0},
    {"a certificate asked, one that is not listed", {CERT, LIST}, {BY(unlisted)}, "530 5.7.0", 0},
    {"a certificate asked, a good one", {CERT}, {BY(good)}, NULL, 0},
    {"a login is no certificate", {CERT}, {BY(none), AUTH("PLAIN")}, "530 5.7.0", 0},
    {"optional refuses nothing", {.verify_client_certificate = SOURCE_VERIFY_OPTIONAL}, {BY(bad)}, NULL, 0},
    {"a certificate reported only", {CERT, .reports = CERT_BIT}, {BY(bad)}, NULL, CERT_BIT},
    {"and without TLS", {CERT, .reports = CERT_BIT}, {0}, NULL, CERT_BIT},
    {"its list is reported only", {CERT, LIST, .reports = LIST_BIT}, {BY(unlisted)}, NULL, LIST_BIT},
    {"its list only", {CERT, LIST, .reports = LIST_BIT}, {BY(bad)}, "530 5.7.0", 0},
};

/* Before sender-domains a.example (TLS), named.example (a name), printed.example (a fingerprint). */
static const struct {
    const char *name, *from;
    struct client client;
    const char *answer;
} senders[] = {
    {"free", "<u@free.example>", {0}, NULL},
    {"in the clear", "<u@a.example>", {0}, "550 5.7.1 Mail from this domain must come over TLS"},
    {"without brackets", "u@A.EXAMPLE.", {0}, "550 5.7.1 Mail from this domain must come over TLS"},
    {"over TLS", "<u@a.example>", {TLS}, NULL},
    {"logged in", "<u@a.example>", {AUTH("CRAM-MD5")}, NULL},
    {"a bounce", "<>", {0}, NULL},
    {"no domain", "<u>", {0}, "553 5.1.7 The sender's address needs a valid domain"},
    {"no address", "<u@a.example", {0}, "501 5.1.7 The sender's address cannot be read"},
    {"none at all", "", {0}, "501 5.1.7 The sender's address cannot be read"},
    {"a name, nothing known", "<u@named.example>", {TLS}, "550 5.7.1 Mail from this domain needs a client certificate"},
    {"a name, bad", "<u@named.example>", {BY(bad), .names = SPAN("mx.named.example")},
     "550 5.7.1 Mail from this domain needs a client certificate (FAIL)"},
    {"the name", "<u@named.example>", {BY(good), .names = SPAN("mx.named.example")}, NULL},
    {"another name", "<u@named.example>", {BY(good), .names = SPAN("mx.other.example")},
     "550 5.7.1 Mail from this domain needs another client certificate"},
    {"no name", "<u@named.example>", {BY(good)}, "550 5.7.1 Mail from this domain needs another client certificate"},
    {"a name that the proxy compared", "<u@named.example>", {BY(good), .compared = true}, NULL},
    {"which does not make a bad one good", "<u@named.example>", {BY(bad), .compared = true},
     "550 5.7.1 Mail from this domain needs a client certificate (FAIL)"},
    {"nor does it replace TLS", "<u@named.example>", {.compared = true}, "550 5.7.1 Mail from this domain must come over TLS"},
    {"a fingerprint, which nobody knows", "<u@printed.example>", {BY(good), .names = SPAN("x.example")},
     "550 5.7.1 Mail from this domain needs another client certificate"},
    {"which no name replaces", "<u@printed.example>", {BY(good), .compared = true},
     "550 5.7.1 Mail from this domain needs another client certificate"},
};

static const struct {
    const char *name, *version, *protocol, *verify, *subject;
    bool secure;
    const char *is_verify, *is_subject, *issuer, *common_name, *is_name;
} macros[] = {
    {"Postfix, no TLS", "Postfix 3.7.11", "", "", "", false, "", "", "", "", ""},
    {"Postfix, TLS", "Postfix 3.7.11", "TLSv1.3", "", "", true, "", "", "", "", ""},
    {"Postfix names verified ones only", "Postfix 3.7.11", "TLSv1.3", "", "client.test", true,
     "ok", "client.test", "Lab CA", "", "client.test"},
    {"Postfix, a good one without a common name", "Postfix 3.7.11", "TLSv1.3", "", "", true, "ok", "", "Lab CA", "", ""},
    {"Postfix, a common name that is no name", "Postfix 3.7.11", "TLSv1.3", "", "a b.test", true, "ok", "a b.test", "Lab CA",
     "", ""},
    {"Postfix, in the clear", "Postfix 3.7.11", "", "", "client.test", false, "", "", "Lab CA", "", ""},
    {"Sendmail, no TLS", "8.17.1.9", "", "NONE", "", false, "", "", "", "", ""},
    {"Sendmail, no certificate", "8.17.1.9", "TLSv1.3", "NO", "", true, "none", "", "", "", ""},
    {"Sendmail, none asked for", "8.17.1.9", "TLSv1.3", "NOT", "", true, "none", "", "", "", ""},
    {"Sendmail, good", "8.17.1.9", "TLSv1.3", "OK", "/O=Lab/CN=a+20b", true, "ok",
     "/O=Lab/CN=a b", "", "a+20b", ""},
    {"Sendmail, its name", "8.17.1.9", "TLSv1.3", "OK", "/CN=mx.a.test", true, "ok", "/CN=mx.a.test", "", "mx.a+2Etest",
     "mx.a.test"},
    {"Sendmail, of the subject only that counts", "8.17.1.9", "TLSv1.3", "OK", "/O=x/CN=mx.a.test", true, "ok",
     "/O=x/CN=mx.a.test", "", "", ""},
    {"Sendmail, good, no xtext", "8.17.1.9", "TLSv1.3", "OK", "/CN=a+zz", true, "ok", "/CN=a+zz", "", "", ""},
    {"Sendmail, forged", "8.17.1.9", "TLSv1.3", "FAIL", "/O=Evil/CN=forged.test", true, "FAIL", "", "/CN=CA",
     "forged.test", ""},
    {"another that says nothing of it", "", "TLSv1.2", "", "/CN=who", true, "", "", "/CN=CA", "who", ""},
};
/* clang-format on */

static void rules_hold(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct reported noted = {0};
        const struct asked asked = {.rule = &cases[i].rule, .client = cases[i].client};
        const char *word;
        const struct refusal *r = policy_at_mail(&asked, &word, &noted);
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

static void sender_domains_hold(void **state)
{
    const char *const names[] = {"mx.named.example"};
    struct sender sections[3];
    const char *const titles[] = {"a.example", "named.example", "printed.example"};
    const struct source rule = {.allow_unencrypted_plain_auth = true};
    struct asked asked = {.rule = &rule};
    char why[256], room[REFUSAL_TEXT];
    struct senders *made;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sections); i++) {
        option_defaults(sender_options, &sections[i]);
        sections[i].head =
            (struct option_head){.title = titles[i], .file = "f", .line = 1, .set = 31};
    }
    sections[1].certificate_names = (struct texts){names, 1};
    sections[2].certificate_fingerprints = (struct texts){prints, 1};
    asked.senders = made = senders_new(sections, COUNT_OF(sections), NULL, why, sizeof why);
    assert_non_null(made);
    for (size_t i = 0; i < COUNT_OF(senders); i++) {
        struct reported noted = {0};
        const struct refusal *r;
        const char *word;
        struct span reply = SPAN("");

        asked.client = senders[i].client;
        asked.from = span_of(senders[i].from);
        r = policy_at_mail(&asked, &word, &noted);
        if (r)
            reply = refusal_reply(r, word, room);
        reply.len -= r ? 2 : 0;
        if (!span_is(reply, senders[i].answer ? senders[i].answer : ""))
            fail_msg("%s: %.*s", senders[i].name, SPAN_ARG(reply));
    }
    senders_free(&made);
}

/* Longer than any address: none, and it is not cut to one. */
static void long_ones_are_none(void **state)
{
    static char from[4096];
    struct sender one;
    const struct source rule = {.allow_unencrypted_plain_auth = true};
    char why[256];
    const char *word;
    struct reported noted = {0};
    struct asked asked = {.rule = &rule};
    struct senders *made;

    (void)state;
    memset(from, 'a', sizeof from);
    memcpy(from + sizeof from - 13, "@free.example", 13);
    option_defaults(sender_options, &one);
    one.head = (struct option_head){.title = "a.example", .file = "f", .line = 1, .set = 31};
    asked.senders = made = senders_new(&one, 1, NULL, why, sizeof why);
    asked.from = (struct span){from, sizeof from};
    assert_int_equal(policy_at_mail(&asked, &word, &noted)->code, 501);
    senders_free(&made);
}

static void classes_agree(void **state)
{
    char code[4], enhanced[12], text[REFUSAL_TEXT];

    (void)state;
    refusal_codes(&policy_no_room, code, enhanced);
    assert_string_equal(code, "452");
    assert_string_equal(enhanced, "4.3.1");
    refusal_codes(&(struct refusal){554, 123, 456, ""}, code, enhanced);
    assert_string_equal(enhanced, "5.123.456");
    refusal_text(&(struct refusal){554, 1, 1, "No"}, "100%s", text);
    assert_string_equal(text, "No (100?s)");
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
        snprintf(m.issuer, sizeof m.issuer, "%s", macros[i].issuer);
        snprintf(m.name, sizeof m.name, "%s", macros[i].common_name);
        snprintf(s.tls.peer_subject, sizeof s.tls.peer_subject, "of before");
        snprintf(s.cert_name, sizeof s.cert_name, "of before");
        facts_of_macros(&s, &m);
        assert_row(s.secure == macros[i].secure, macros[i].name);
        assert_row(strcmp(s.tls.verify, macros[i].is_verify) == 0, macros[i].name);
        assert_row(strcmp(s.tls.peer_subject, macros[i].is_subject) == 0, macros[i].name);
        assert_row(strcmp(s.cert_name, macros[i].is_name) == 0, macros[i].name);
        assert_row(strcmp(s.tls.protocol, s.secure ? macros[i].protocol : "") == 0, macros[i].name);
        assert_row(s.tls.bits == (s.secure ? 256 : 0), macros[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_hold),
        cmocka_unit_test(sender_domains_hold),
        cmocka_unit_test(long_ones_are_none),
        cmocka_unit_test(classes_agree),
        cmocka_unit_test(subjects_need_a_voucher),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
