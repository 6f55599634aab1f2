/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client must show at MAIL. No sender slips by in another spelling.
 */
#include "t/unit/unit.h"

#include <stdio.h>

#include "rule/proof.h"

#define NEED SOURCE_VERIFY_REQUIRED
#define MAYBE SOURCE_VERIFY_OPTIONAL
#define CERT_BIT (1U << REPORT_verify_client_certificate)
#define LIST_BIT (1U << REPORT_client_certificate_fingerprints)

/* clang-format off */
static const struct {
    const char *name;
    unsigned verify, reports;
    const char *word; /* tls_facts.verify; NULL: in the clear */
    const char *says; /* "": it passes */
    unsigned reported;
} clients[] = {
    {"not asked", SOURCE_VERIFY_NONE, 0, "none", "", 0},
    {"optional, none", MAYBE, 0, "none", "", 0},
    {"optional, bad", MAYBE, 0, "expired", "", 0},
    {"optional, in the clear", MAYBE, 0, NULL, "", 0},
    {"required, in the clear", NEED, 0, NULL, "530 5.7.0 Must issue a STARTTLS command first\r\n", 0},
    {"required, none", NEED, 0, "none", "530 5.7.0 A valid client certificate is required (none)\r\n", 0},
    {"required, good", NEED, 0, "ok", "", 0},
    {"required, expired", NEED, 0, "expired", "530 5.7.0 A valid client certificate is required (expired)\r\n", 0},
    {"required, not listed", NEED, 0, "not-listed", "530 5.7.0 A valid client certificate is required (not-listed)\r\n", 0},
    {"reported", NEED, CERT_BIT, "expired", "", CERT_BIT},
    {"reported, in the clear", NEED, CERT_BIT, NULL, "", CERT_BIT},
    {"the list is reported", NEED, LIST_BIT, "not-listed", "", LIST_BIT},
    {"the list only", NEED, LIST_BIT, "expired", "530 5.7.0 A valid client certificate is required (expired)\r\n", 0},
    {"all but the list", NEED, CERT_BIT, "not-listed", "530 5.7.0 A valid client certificate is required (not-listed)\r\n", 0},
};

#define TLS550 "550 5.7.1 Mail from this domain must come over TLS\r\n"
#define BAD553 "553 5.1.7 The sender's address needs a valid domain\r\n"
#define BAD501 "501 5.1.7 The sender's address cannot be read\r\n"

/* In the clear, before [*.]a.example, xn--bcher-kva.example and [192.0.2.0/24]. */
static const struct {
    const char *arg, *says;
} spellings[] = {
    {"FROM:<u@other.example>", ""},
    {"FROM:<>", ""},
    {"FROM:<> SIZE=9", ""},
    {"FROM:<u@a.example>", TLS550},
    {"FROM:<u@A.EXAMPLE>", TLS550},
    {"FROM: <u@a.example>", TLS550},
    {"from:<u@a.example> SIZE=9 BODY=8BITMIME", TLS550},
    {"FROM:u@a.example", TLS550},
    {"FROM:<u@a.example.>", TLS550},
    {"FROM:<u@x.y.a.example>", TLS550},
    {"FROM:<u@xa.example>", ""},
    {"FROM:<u@a.example.other.example>", ""},
    {"FROM:<u@a.example..>", BAD553},
    {"FROM:<u@a..example>", BAD553},
    {"FROM:<@other.example:u@a.example>", TLS550},
    {"FROM:<@a.example:u@other.example>", ""},
    {"FROM:<@x.example,@y.example:u@a.example>", TLS550},
    {"FROM:<\"u\"@a.example>", TLS550},
    {"FROM:<\"u@other.example\"@a.example>", TLS550},
    {"FROM:<\"u@a.example\"@other.example>", ""},
    {"FROM:<\"x\\\"@other.example\"@a.example>", TLS550},
    {"FROM:<u%a.example@other.example>", ""},
    {"FROM:<u>", BAD553},                       /* mail servers add their own domain */
    {"FROM:<u%a.example>", BAD553},             /* and make u@a.example of these */
    {"FROM:<a.example!u>", BAD553},
    {"FROM:<\"u@a.example\">", BAD553},
    {"FROM:u", BAD553},
    {"FROM:<u@b\xc3\xbc" "cher.example>", TLS550},
    {"FROM:<u@B\xc3\x9c" "CHER.example>", TLS550},
    {"FROM:<u@b\x75\xcc\x88" "cher.example>", TLS550}, /* u and a diaeresis */
    {"FROM:<u@XN--BCHER-KVA.example>", TLS550},
    {"FROM:<u@\xef\xbd\x81.example>", TLS550},    /* a wide a */
    {"FROM:<u@a\xe3\x80\x82" "example>", TLS550}, /* an ideographic full stop */
    {"FROM:<u@b\xc3(cher.example>", BAD501},
    {"FROM:<u@b\xc3.example>", BAD553},         /* no UTF-8 */
    {"FROM:<u@[192.0.2.7]>", TLS550},
    {"FROM:<u@[IPv6:::ffff:192.0.2.7]>", TLS550},
    {"FROM:<u@[203.0.113.7]>", ""},
    {"FROM:<u@a.example", BAD501},
    {"FROM:<u@a.example>x", BAD501},
    {"FROM:<u@a.example(comment)>", BAD501},
    {"FROM:Name <u@a.example>", BAD501},
    {"FROM:u@other.example <u@a.example>", BAD501},
    {"FROM:<u@other.example> FROM:<u@a.example>", BAD501},
    {"FROM:<> <u@a.example>", BAD501},
    {"FROM:<u@other.example> SIZE=", BAD501},
    {"FROM:<u@a.example>>", BAD501},
    {"FROM:", BAD501},
    {"", BAD501},
};
/* clang-format on */

static struct sender section(const char *title, bool report_only, bool allow_authenticated)
{
    struct sender s;

    option_defaults(sender_options, &s);
    s.head = (struct option_head){.title = title, .file = "f", .line = 1, .set = 31};
    s.report_only = report_only;
    s.allow_authenticated = allow_authenticated;
    return s;
}

static struct senders *protect(const struct sender *sections, size_t count)
{
    char why[256] = "";
    struct senders *s = senders_new(sections, count, NULL, why, sizeof why);

    assert_non_null(s);
    return s;
}

static struct span ask(const struct proof *p, const char *arg, char room[REFUSAL_TEXT],
                       struct reported *noted)
{
    struct path path;
    bool is_path = path_read(span_of(arg), "FROM:", &path);
    const struct refusal *no;
    const char *word;

    no = proof_refuse(p, is_path ? &path : NULL, &word, noted);
    return no ? refusal_reply(no, word, room) : SPAN("");
}

static void of_clients(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(clients); i++) {
        const struct source rule = {.verify_client_certificate = clients[i].verify,
                                    .reports = clients[i].reports};
        struct tls_facts tls = {.bits = 256};
        const struct proof p = {.rule = &rule, .has = {.tls = clients[i].word ? &tls : NULL}};
        struct reported noted = {0};
        char room[REFUSAL_TEXT];

        snprintf(tls.verify, sizeof tls.verify, "%s", clients[i].word ? clients[i].word : "");
        assert_row(span_is(ask(&p, "FROM:<u@a.example>", room, &noted), clients[i].says),
                   clients[i].name);
        assert_row(noted.rules == clients[i].reported, clients[i].name);
    }
}

static void in_any_spelling(void **state)
{
    const struct sender sections[] = {section("[*.]a.example", false, true),
                                      section("xn--bcher-kva.example", false, true),
                                      section("[192.0.2.0/24]", false, true)};
    const struct source rule = {.verify_client_certificate = SOURCE_VERIFY_NONE};
    struct senders *senders = protect(sections, COUNT_OF(sections));
    struct proof p = {.rule = &rule, .senders = senders};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(spellings); i++) {
        struct reported noted = {0};
        char room[REFUSAL_TEXT];
        struct span no = ask(&p, spellings[i].arg, room, &noted);

        if (!span_is(no, spellings[i].says))
            fail_msg("%s: %.*s", spellings[i].arg, SPAN_ARG(no));
        /* Who has logged in may. */
        p.has.authenticated = true;
        assert_row(ask(&p, spellings[i].arg, room, &noted).len == 0, spellings[i].arg);
        p.has.authenticated = false;
        assert_row(noted.rules == 0, spellings[i].arg);
    }
    senders_free(&senders);
}

static void who_logged_in_or_is_reported(void **state)
{
    const struct {
        const char *name;
        bool report_only, allow_authenticated, authenticated;
        const char *arg, *says;
        unsigned times;
    } cases[] = {
        {"reported", true, true, false, "FROM:<u@a.example>", "", 1},
        {"another domain", true, true, false, "FROM:<u@b.example>", "", 0},
        {"a bad one harms nobody there", true, true, false, "FROM:<u>", "", 0},
        {"nor what is none", true, true, false, "FROM:<u@a.example>x", "", 0},
        {"a login is not enough", false, false, true, "FROM:<u@a.example>", TLS550, 0},
        {"and is no way around", false, false, true, "FROM:<u>", BAD553, 0},
    };
    const struct source rule = {.verify_client_certificate = SOURCE_VERIFY_NONE};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct sender one =
            section("a.example", cases[i].report_only, cases[i].allow_authenticated);
        struct senders *senders = protect(&one, 1);
        struct proof p = {
            .rule = &rule, .senders = senders, .has = {.authenticated = cases[i].authenticated}};
        struct reported noted = {0};
        char room[REFUSAL_TEXT];

        assert_row(span_is(ask(&p, cases[i].arg, room, &noted), cases[i].says), cases[i].name);
        assert_row(noted.times == cases[i].times, cases[i].name);
        assert_row(noted.rules == (cases[i].times ? 1U << REPORT_sender_domain : 0), cases[i].name);
        senders_free(&senders);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_clients),
        cmocka_unit_test(in_any_spelling),
        cmocka_unit_test(who_logged_in_or_is_reported),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
