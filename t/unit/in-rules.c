/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include "proxy-in/rules.h"

#define STARTTLS VERB_STARTTLS, ""
#define PLAIN VERB_AUTH, "PLAIN AGEAYg=="
#define CRAM VERB_AUTH, "CRAM-MD5"
#define MAIL VERB_MAIL, "FROM:<a@a.example>"

static const struct standing clear = {.has_tls = true};
static const struct standing secret = {.has_tls = true, .secured = true};
static const struct standing bare = {.has_tls = false};
static const struct standing in_mail = {.has_tls = true, .in_mail = true};
static const struct standing known = {.has_tls = true, .authenticated = true};

/* clang-format off */
static const struct {
    const char *name;
    struct source rule;
    const struct standing *at;
    enum verb verb;
    const char *arg, *code; /* "" passes */
} cases[] = {
    {"STARTTLS is off by default", {.allow_auth = true}, &clear, STARTTLS, "502"},
    {"STARTTLS allowed", {.allow_starttls = true}, &clear, STARTTLS, ""},
    {"no certificate (RFC 3207, 4)", {.allow_starttls = true}, &bare, STARTTLS, "454"},
    {"inside of a transaction", {.allow_starttls = true}, &in_mail, STARTTLS, "503"},
    {"AUTH not allowed, in the clear", {.allow_unencrypted_plain_auth = true}, &clear, PLAIN, "503"},
    {"AUTH not allowed, in TLS", {.allow_starttls = true}, &secret, PLAIN, "503"},
    {"AUTH only after STARTTLS", {.allow_auth = true, .require_starttls_before_auth = true, .allow_unencrypted_plain_auth = true}, &clear, PLAIN, "530"},
    {"that holds for guarded ones too", {.allow_auth = true, .require_starttls_before_auth = true}, &clear, CRAM, "530"},
    {"and is over in TLS", {.allow_auth = true, .require_starttls_before_auth = true}, &secret, PLAIN, ""},
    {"the secret in the clear (RFC 4954, 6)", {.allow_auth = true}, &clear, PLAIN, "538"},
    {"guarded", {.allow_auth = true}, &clear, CRAM, ""},
    {"bearer tokens are secrets", {.allow_auth = true}, &clear, VERB_AUTH, "XOAUTH2 dXNlcg==", "538"},
    {"SCRAM is guarded", {.allow_auth = true}, &clear, VERB_AUTH, "SCRAM-SHA-256", ""},
    {"allowed in the clear", {.allow_auth = true, .allow_unencrypted_plain_auth = true}, &clear, PLAIN, ""},
    {"in TLS all are", {.allow_auth = true}, &secret, PLAIN, ""},
    {"MAIL without a login", {.require_auth = true}, &secret, MAIL, "530"},
    {"MAIL with one", {.require_auth = true}, &known, MAIL, ""},
    {"MAIL where none is wanted", {.allow_auth = true}, &clear, MAIL, ""},
    {"RCPT is not for us", {.require_auth = true}, &clear, VERB_RCPT, "TO:<a@a>", ""},
};

static const struct {
    const char *name;
    struct source rule;
    const struct standing *at;
    bool starttls;
    enum ehlo_auth auth;
} views[] = {
    {"all off", {.allow_auth = false}, &clear, false, EHLO_AUTH_NONE},
    {"guarded before TLS", {.allow_auth = true, .allow_starttls = true}, &clear, true, EHLO_AUTH_GUARDED},
    {"hidden before TLS", {.allow_auth = true, .allow_starttls = true, .require_starttls_before_auth = true, .allow_unencrypted_plain_auth = true}, &clear, true, EHLO_AUTH_NONE},
    {"all before TLS", {.allow_auth = true, .allow_unencrypted_plain_auth = true}, &clear, false, EHLO_AUTH_ALL},
    {"all after TLS, STARTTLS no more", {.allow_auth = true, .allow_starttls = true, .require_starttls_before_auth = true}, &secret, false, EHLO_AUTH_ALL},
    {"no certificate, no offer", {.allow_starttls = true}, &bare, false, EHLO_AUTH_NONE},
};

static const struct {
    const char *name;
    enum verb verb;
    const char *arg;
    unsigned bits;
} uses[] = {
    {"nothing", VERB_MAIL, "FROM:<a@a>", 0},
    {"size and body", VERB_MAIL, "FROM:<a@a> SIZE=9 BODY=8BITMIME", 1U << EHLO_SIZE | 1U << EHLO_8BITMIME},
    {"DSN of the sender", VERB_MAIL, "FROM:<> ret=full ENVID=x", 1U << EHLO_DSN},
    {"DSN of a recipient", VERB_RCPT, "TO:<a@a> NOTIFY=NEVER", 1U << EHLO_DSN},
    {"login of the sender", VERB_MAIL, "FROM:<a@a> AUTH=<>", 1U << EHLO_AUTH},
    {"UTF-8", VERB_MAIL, "FROM:<a@a> SMTPUTF8", 1U << EHLO_SMTPUTF8},
    {"AUTH", VERB_AUTH, "PLAIN", 1U << EHLO_AUTH},
    {"no path", VERB_MAIL, "nonsense SIZE=9", 0},
    {"another command", VERB_VRFY, "SIZE=9", 0},
};
/* clang-format on */

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct request q = {.verb = cases[i].verb, .arg = span_of(cases[i].arg)};
        struct span no = rules_refuse(&cases[i].rule, cases[i].at, &q);

        assert_row(no.len >= strlen(cases[i].code), cases[i].name);
        assert_row((no.len == 0) == (cases[i].code[0] == '\0'), cases[i].name);
        assert_row(memcmp(no.at, cases[i].code, strlen(cases[i].code)) == 0, cases[i].name);
    }
}

static void shows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        assert_row(rules_offer_starttls(&views[i].rule, views[i].at) == views[i].starttls,
                   views[i].name);
        assert_row(rules_auth(&views[i].rule, views[i].at) == views[i].auth, views[i].name);
    }
}

static void finds_what_is_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(uses); i++) {
        struct request q = {.verb = uses[i].verb, .arg = span_of(uses[i].arg)};

        assert_row(rules_used(&q) == uses[i].bits, uses[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(shows),
        cmocka_unit_test(finds_what_is_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
