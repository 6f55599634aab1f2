/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include <stdio.h>

#include "rule/sender.h"

#define EFS "efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef"

static const char *const listed[] = {"mail.partner.example"};
static const char *const prints[] = {EFS};
static const char *const no_prints[] = {"12:34"};

#define NAMES .certificate_names = {listed, 1}
#define PRINTS .certificate_fingerprints = {prints, 1}

/* clang-format off */
static const struct {
    const char *name;
    struct sender rule;
    const char *verify; /* NULL: in the clear */
    const char *names, *fingerprint;
    bool authenticated;
    enum sender_lacks lacks;
} cases[] = {
    {"TLS, and there is none", {.require_tls = true}, NULL, "", "", false, SENDER_LACKS_TLS},
    {"TLS, and there is", {.require_tls = true}, "none", "", "", false, SENDER_LACKS_NOTHING},
    {"a bad certificate harms nobody who needs none", {.require_tls = true}, "expired", "", EFS, false, SENDER_LACKS_NOTHING},
    {"nothing wanted", {.require_tls = false}, NULL, "", "", false, SENDER_LACKS_NOTHING},
    {"logged in, in the clear", {.require_tls = true, .allow_authenticated = true, NAMES}, NULL, "", "", true, SENDER_LACKS_NOTHING},
    {"a login does not count", {.require_tls = true, NAMES}, NULL, "", "", true, SENDER_LACKS_TLS},
    {"nor for a certificate", {.require_tls = true, NAMES}, "none", "", "", true, SENDER_LACKS_CERTIFICATE},
    {"not logged in", {.require_tls = true, .allow_authenticated = true, NAMES}, "none", "", "", false, SENDER_LACKS_CERTIFICATE},
    {"a listed name", {.require_tls = true, NAMES}, "ok", "x.example mail.partner.example", "", false, SENDER_LACKS_NOTHING},
    {"by a wildcard", {.require_tls = true, NAMES}, "ok", "*.partner.example", "", false, SENDER_LACKS_NOTHING},
    {"another name", {.require_tls = true, NAMES}, "ok", "mail.evil.example", "", false, SENDER_LACKS_THE_RIGHT_ONE},
    {"no name", {.require_tls = true, NAMES}, "ok", "", EFS, false, SENDER_LACKS_THE_RIGHT_ONE},
    {"a listed name that nobody vouches for", {.require_tls = true, NAMES}, "self-signed", "mail.partner.example", "", false, SENDER_LACKS_CERTIFICATE},
    {"or that has ended", {.require_tls = true, NAMES}, "expired", "mail.partner.example", "", false, SENDER_LACKS_CERTIFICATE},
    {"or is not listed for the client", {.require_tls = true, NAMES}, "not-listed", "mail.partner.example", "", false, SENDER_LACKS_CERTIFICATE},
    {"a listed fingerprint", {.require_tls = true, PRINTS}, "ok", "", EFS, false, SENDER_LACKS_NOTHING},
    {"beside names", {.require_tls = true, NAMES, PRINTS}, "ok", "mail.evil.example", EFS, false, SENDER_LACKS_NOTHING},
    {"no CA is needed for it", {.require_tls = true, PRINTS}, "self-signed", "", EFS, false, SENDER_LACKS_NOTHING},
    {"nor a known one", {.require_tls = true, PRINTS}, "untrusted", "", EFS, false, SENDER_LACKS_NOTHING},
    {"but it must be good", {.require_tls = true, PRINTS}, "expired", "", EFS, false, SENDER_LACKS_CERTIFICATE},
    {"and not revoked", {.require_tls = true, PRINTS}, "revoked", "", EFS, false, SENDER_LACKS_CERTIFICATE},
    {"another fingerprint", {.require_tls = true, PRINTS}, "ok", "", "12", false, SENDER_LACKS_THE_RIGHT_ONE},
    {"no certificate", {.require_tls = true, PRINTS}, "none", "", "", false, SENDER_LACKS_CERTIFICATE},
};

static const struct {
    const char *domain, *title; /* NULL: free */
} domains[] = {
    {"a.example", "a.example"},
    {"A.Example", "a.example"},
    {"a.example.", "a.example"},
    {"x.a.example", NULL},
    {"b.example", "[*.]b.example"},
    {"x.y.b.example", "[*.]b.example"},
    {"xb.example", NULL},
    {"c.example", NULL},
    {"x.c.example", "*.c.example"},
    {"xn--bcher-kva.example", "xn--bcher-kva.example"},
    {"XN--BCHER-KVA.example", "xn--bcher-kva.example"},
    {"[192.0.2.1]", "[192.0.2.0/24]"},
    {"[203.0.113.1]", NULL},
    {"", NULL},
};
/* clang-format on */

static void judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct tls_facts tls = {.bits = 256};
        const struct sender_proof proof = {.tls = cases[i].verify ? &tls : NULL,
                                           .names = span_of(cases[i].names),
                                           .authenticated = cases[i].authenticated};

        snprintf(tls.verify, sizeof tls.verify, "%s", cases[i].verify ? cases[i].verify : "");
        snprintf(tls.peer_key_fingerprint, sizeof tls.peer_key_fingerprint, "%s",
                 cases[i].fingerprint);
        assert_row(sender_lacks(&cases[i].rule, &proof) == cases[i].lacks, cases[i].name);
    }
}

static struct sender section(const char *title, unsigned line)
{
    struct sender s;

    option_defaults(sender_options, &s);
    s.head = (struct option_head){.title = title, .file = "f.conf", .line = line};
    return s;
}

static void found(void **state)
{
    const struct sender sections[] = {
        section("a.example", 1),      section("[*.]b.example", 2),
        section("*.c.example", 3),    section("xn--bcher-kva.example", 4),
        section("[192.0.2.0/24]", 5),
    };
    char why[512] = "";
    struct senders *s = senders_new(sections, COUNT_OF(sections), NULL, why, sizeof why);

    (void)state;
    assert_non_null(s);
    for (size_t i = 0; i < COUNT_OF(domains); i++) {
        struct sender out;
        bool is_there = senders_find(s, span_of(domains[i].domain), &out);

        assert_row(is_there == (domains[i].title != NULL), domains[i].domain);
        assert_row(!is_there || !strcmp(out.head.title, domains[i].title), domains[i].domain);
    }
    senders_free(&s);
    assert_null(s);
}

static void mistakes(void **state)
{
    struct sender bad[4] = {section("not a domain", 7), section("a.example", 7),
                            section("a.example", 7), section("a.example", 7)};
    const char *const says[] = {"f.conf:7: sender-domain not a domain: not a pattern",
                                "f.conf:7: sender-domain a.example: certificate-fingerprints: "
                                "'12:34' is no SHA-256",
                                "f.conf:7: sender-domain a.example: require-tls: a certificate",
                                "f.conf:7: sender-domain a.example: require-tls: a certificate"};

    (void)state;
    bad[1].certificate_fingerprints = (struct texts){no_prints, 1};
    bad[2].certificate_fingerprints = (struct texts){prints, 1};
    bad[3].certificate_names = (struct texts){listed, 1};
    bad[2].require_tls = bad[3].require_tls = false;
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        char why[512] = "";
        struct senders *s;

        bad[i].head.set = i ? UINT64_MAX >> (64 - 5) : 0;
        s = senders_new(&bad[i], 1, NULL, why, sizeof why);
        assert_row(!s, says[i]);
        if (strncmp(why, says[i], strlen(says[i])) != 0)
            fail_msg("%s", why);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(judged),
        cmocka_unit_test(found),
        cmocka_unit_test(mistakes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
