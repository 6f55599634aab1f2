/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include "proxy-in/rules.h"
#include "smtp/path.h"

#define STARTTLS VERB_STARTTLS, ""
#define PLAIN VERB_AUTH, "PLAIN AGEAYg=="
#define CRAM VERB_AUTH, "CRAM-MD5"
#define TLS_BIT (1U << REPORT_require_starttls)
#define AUTH_BIT (1U << REPORT_require_auth)
#define MAIL VERB_MAIL, "FROM:<a@a.example>"

static const struct standing clear = {.has_tls = true};
static const struct standing secret = {.has_tls = true, .secured = true};
static const struct standing bare = {.has_tls = false};
static const struct standing in_mail = {.has_tls = true, .in_mail = true};
static const struct standing known = {.has_tls = true, .authenticated = true};
static const struct standing secret_mail = {.has_tls = true, .secured = true, .in_mail = true};
static const struct standing secret_known = {
    .has_tls = true, .secured = true, .authenticated = true};

/* clang-format off */
static const struct {
    const char *name;
    struct source rule;
    const struct standing *at;
    enum verb verb;
    const char *arg, *code; /* "" passes */
    unsigned reported;
} cases[] = {
    {"STARTTLS is off by default", {.allow_auth = true}, &clear, STARTTLS, "502", 0},
    {"STARTTLS allowed", {.allow_starttls = true}, &clear, STARTTLS, "", 0},
    {"no certificate (RFC 3207, 4)", {.allow_starttls = true}, &bare, STARTTLS, "454", 0},
    {"inside of a transaction", {.allow_starttls = true}, &in_mail, STARTTLS, "503", 0},
    {"AUTH not allowed, in the clear", {.allow_unencrypted_plain_auth = true}, &clear, PLAIN, "503", 0},
    {"AUTH not allowed, in TLS", {.allow_starttls = true}, &secret, PLAIN, "503", 0},
    {"AUTH only after STARTTLS", {.allow_auth = true, .require_starttls_before_auth = true, .allow_unencrypted_plain_auth = true}, &clear, PLAIN, "530", 0},
    {"that holds for guarded ones too", {.allow_auth = true, .require_starttls_before_auth = true}, &clear, CRAM, "530", 0},
    {"and is over in TLS", {.allow_auth = true, .require_starttls_before_auth = true}, &secret, PLAIN, "", 0},
    {"the secret in the clear (RFC 4954, 6)", {.allow_auth = true}, &clear, PLAIN, "538", 0},
    {"guarded", {.allow_auth = true}, &clear, CRAM, "", 0},
    {"bearer tokens are secrets", {.allow_auth = true}, &clear, VERB_AUTH, "XOAUTH2 dXNlcg==", "538", 0},
    {"SCRAM is guarded", {.allow_auth = true}, &clear, VERB_AUTH, "SCRAM-SHA-256", "", 0},
    {"allowed in the clear", {.allow_auth = true, .allow_unencrypted_plain_auth = true}, &clear, PLAIN, "", 0},
    {"in TLS all are", {.allow_auth = true}, &secret, PLAIN, "", 0},
    {"MAIL without a login", {.require_auth = true}, &secret, MAIL, "530", 0},
    {"MAIL with one", {.require_auth = true}, &known, MAIL, "", 0},
    {"MAIL where none is wanted", {.allow_auth = true}, &clear, MAIL, "", 0},
    {"RCPT is not for us", {.require_auth = true}, &clear, VERB_RCPT, "TO:<a@a>", "", 0},
    {"TLS first", {.require_starttls = true}, &clear, MAIL, "530", 0},
    {"HELP is not for the clear either", {.require_starttls = true}, &clear, VERB_HELP, "", "530", 0},
    {"EHLO is", {.require_starttls = true}, &clear, VERB_EHLO, "c", "", 0},
    {"what needs TLS is only reported", {.require_starttls = true, .reports = TLS_BIT}, &clear, MAIL, "", TLS_BIT},
    {"of those that are clear nothing", {.require_starttls = true, .reports = TLS_BIT}, &clear, VERB_NOOP, "", "", 0},
    {"nor in TLS", {.require_starttls = true, .reports = TLS_BIT}, &secret, MAIL, "", 0},
    {"a line of AUTH is no command", {.require_starttls = true, .reports = TLS_BIT}, &clear, VERB_RESPONSE, "x", "", 0},
    {"a login is only reported", {.require_auth = true, .reports = AUTH_BIT}, &secret, MAIL, "", AUTH_BIT},
    {"AUTH in the clear is refused whatever is reported", {.allow_auth = true, .require_starttls_before_auth = true, .require_starttls = true, .reports = ~0U}, &clear, PLAIN, "530", TLS_BIT},
    {"and so is a secret in the clear", {.allow_auth = true, .require_starttls = true, .reports = ~0U}, &clear, PLAIN, "538", TLS_BIT},
    {"AUTH twice (RFC 4954, 4)", {.allow_auth = true}, &secret_known, PLAIN, "503 5.5.1 Already", 0},
    {"AUTH in a transaction (RFC 4954, 4)", {.allow_auth = true}, &secret_mail, PLAIN, "503 5.5.1 Not inside", 0},
    {"a size below the limit", {.max_message_size = 100}, &clear, VERB_MAIL, "FROM:<> SIZE=100", "", 0},
    {"a size above it (RFC 1870, 6.1)", {.max_message_size = 100}, &clear, VERB_MAIL, "FROM:<> BODY=7BIT size=101", "552 5.3.4", 0},
    {"a size beyond counting", {.max_message_size = 100}, &clear, VERB_MAIL, "FROM:<> SIZE=99999999999999999999", "552 5.3.4", 0},
    {"a size that is none is for the backend", {.max_message_size = 100}, &clear, VERB_MAIL, "FROM:<> SIZE=1x", "", 0},
    {"no limit", {.allow_auth = true}, &clear, VERB_MAIL, "FROM:<> SIZE=99999999999999999999", "", 0},
};

static const struct {
    const char *name;
    struct source rule;
    const struct standing *at;
    bool starttls;
    enum ehlo_auth auth;
    bool late; /* EHLO is answered by what is known, with connect-at = mail */
} views[] = {
    {"all off", {.allow_auth = false}, &clear, false, EHLO_AUTH_NONE, true},
    {"guarded before TLS", {.allow_auth = true, .allow_starttls = true}, &clear, true, EHLO_AUTH_GUARDED, true},
    {"hidden before TLS", {.allow_auth = true, .allow_starttls = true, .require_starttls_before_auth = true, .allow_unencrypted_plain_auth = true}, &clear, true, EHLO_AUTH_NONE, true},
    {"all before TLS", {.allow_auth = true, .allow_unencrypted_plain_auth = true}, &clear, false, EHLO_AUTH_ALL, false},
    {"all after TLS, STARTTLS no more", {.allow_auth = true, .allow_starttls = true, .require_starttls_before_auth = true}, &secret, false, EHLO_AUTH_ALL, false},
    {"after TLS, for mail servers", {.allow_starttls = true}, &secret, false, EHLO_AUTH_NONE, true},
    {"no certificate, no offer", {.allow_starttls = true}, &bare, false, EHLO_AUTH_NONE, true},
};

#define SIZE 1U << EHLO_SIZE
#define BODY 1U << EHLO_8BITMIME
#define DSN 1U << EHLO_DSN

static const struct {
    const char *name;
    enum verb verb;
    const char *arg;
    unsigned extensions;
    const char *code; /* "" passes */
} known_params[] = {
    {"none", VERB_MAIL, "FROM:<a@a>", 0, ""},
    {"shown", VERB_MAIL, "FROM:<a@a> SIZE=9 BODY=8BITMIME", SIZE | BODY, ""},
    {"one of them not (RFC 5321, 4.1.1.11)", VERB_MAIL, "FROM:<a@a> SIZE=9 BODY=8BITMIME", SIZE, "555 5.5.4"},
    {"nobody knows it", VERB_MAIL, "FROM:<a@a> XYZZY", ~0U, "555 5.5.4"},
    {"an extension that does not pass", VERB_MAIL, "FROM:<a@a> REQUIRETLS", ~0U, "555 5.5.4"},
    {"BODY=7BIT", VERB_MAIL, "FROM:<a@a> body=7bit", BODY, ""},
    {"BODY=BINARYMIME is another extension (RFC 3030, 3)", VERB_MAIL, "FROM:<a@a> BODY=BINARYMIME", ~0U, "555 5.5.4"},
    {"of RCPT", VERB_RCPT, "TO:<a@a> NOTIFY=NEVER ORCPT=rfc822;a", DSN, ""},
    {"of RCPT, not shown", VERB_RCPT, "TO:<a@a> NOTIFY=NEVER", SIZE, "555 5.5.4"},
    {"of MAIL, said to RCPT", VERB_RCPT, "TO:<a@a> RET=HDRS", ~0U, "555 5.5.4"},
    {"of RCPT, said to MAIL", VERB_MAIL, "FROM:<a@a> ORCPT=rfc822;a", ~0U, "555 5.5.4"},
    {"login of the sender (RFC 4954, 5)", VERB_MAIL, "FROM:<a@a> AUTH=<>", 1U << EHLO_AUTH, ""},
    {"malformed", VERB_MAIL, "FROM:<a@a> =9", ~0U, "501 5.5.4"},
    {"no value behind =", VERB_MAIL, "FROM:<a@a> SIZE=", ~0U, "501 5.5.4"},
    {"no path is for the backend", VERB_MAIL, "nonsense XYZZY", 0, ""},
    {"another command", VERB_VRFY, "FROM:<a@a> XYZZY", 0, ""},
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
    {"a chunk", VERB_BDAT, "9", 1U << EHLO_CHUNKING},
    {"the last chunk", VERB_LAST, "9 LAST", 1U << EHLO_CHUNKING},
    {"no path", VERB_MAIL, "nonsense SIZE=9", 0},
    {"another command", VERB_VRFY, "SIZE=9", 0},
};
/* clang-format on */

static void refuses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct request q = {.verb = cases[i].verb, .arg = span_of(cases[i].arg)};
        struct reported noted = {0};
        struct span no = rules_refuse(&cases[i].rule, cases[i].at, &q, &noted);

        assert_row(noted.rules == cases[i].reported, cases[i].name);
        assert_row(no.len >= strlen(cases[i].code), cases[i].name);
        assert_row((no.len == 0) == (cases[i].code[0] == '\0'), cases[i].name);
        assert_row(memcmp(no.at, cases[i].code, strlen(cases[i].code)) == 0, cases[i].name);
    }
}

/* As asks.c has them: of a path only. */
static struct span params_of(enum verb verb, const char *arg)
{
    struct path path;
    bool is_party = verb == VERB_MAIL || verb == VERB_RCPT;
    bool is_path = is_party && path_read(span_of(arg), verb == VERB_MAIL ? "FROM:" : "TO:", &path);

    return is_path ? path.params : SPAN("");
}

static void refuses_params(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(known_params); i++) {
        enum verb verb = known_params[i].verb;
        struct span no = rules_refuse_params(verb, params_of(verb, known_params[i].arg),
                                             known_params[i].extensions);
        const char *code = known_params[i].code;

        assert_row((no.len == 0) == (code[0] == '\0'), known_params[i].name);
        assert_row(no.len >= strlen(code), known_params[i].name);
        assert_row(memcmp(no.at, code, strlen(code)) == 0, known_params[i].name);
    }
}

static void shows(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(views); i++) {
        assert_row(rules_offer_starttls(&views[i].rule, views[i].at) == views[i].starttls,
                   views[i].name);
        assert_row(rules_auth(&views[i].rule, views[i].at) == views[i].auth, views[i].name);
        assert_row(rules_show_known(&views[i].rule, views[i].at, false) == views[i].starttls,
                   views[i].name);
        assert_row(rules_show_known(&views[i].rule, views[i].at, true) == views[i].late,
                   views[i].name);
    }
}

static void finds_what_is_used(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(uses); i++) {
        struct span params = params_of(uses[i].verb, uses[i].arg);

        assert_row(rules_used(uses[i].verb, params) == uses[i].bits, uses[i].name);
    }
}

/* The smaller limit; and a line of ours has room in the backend's. */
static void shows_a_size(void **state)
{
    static const struct {
        unsigned long ours, theirs, shown; /* shown 0: as the backend has it */
        bool trace;
    } sizes[] = {
        {0, 1000000, 0, false},
        {5000, 1000000, 5000, false},
        {0, 1000000, 998464, true},
        {5000, 1000000, 5000, true},
        {999000, 1000000, 998464, true},
        {0, 0, 0, true},
        {5000, 0, 5000, true},
        {0, 1536, 0, true},
        {0, 1537, 1, true},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(sizes); i++) {
        const struct source rule = {.max_message_size = sizes[i].ours,
                                    .add_received_header = sizes[i].trace};

        assert_int_equal(sizes[i].shown, rules_size(&rule, sizes[i].theirs));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses),
        cmocka_unit_test(refuses_params),
        cmocka_unit_test(shows),
        cmocka_unit_test(shows_a_size),
        cmocka_unit_test(finds_what_is_used),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
