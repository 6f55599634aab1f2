/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include <stdio.h>

#include "rule/certificate.h"

#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define EFS "efefefefefefefefefefefefefefefefefefefefefefefefefefefefefefefef"
#define COLONS8 "EF:Ef:eF:ef:EF:EF:EF:EF:"

/* clang-format off */
static const struct {
    const char *text, *read; /* NULL: it is none */
} texts[] = {
    {EFS, EFS},
    {ONES, ONES},
    {COLONS8 COLONS8 COLONS8 "EF:EF:EF:EF:EF:EF:EF:EF", EFS},
    {"", NULL},
    {":", NULL},
    {ONES "1", NULL},
    {ONES "11", NULL},
    {"sha256:" ONES, NULL},
    {":" ONES, NULL},
    {ONES ":", NULL},
    {COLONS8 COLONS8 COLONS8 "EF:EF:EF:EF:EF:EF:EF:EF:", NULL},
    {COLONS8 COLONS8 COLONS8 "EF:EF:EF:EF:EF:EF:EFEF", NULL},       /* all or none */
    {COLONS8 COLONS8 COLONS8 "EF::EF:EF:EF:EF:EF:EF:EF", NULL},
    {COLONS8 COLONS8 COLONS8 "E:FE:F:EF:EF:EF:EF:EF:EF", NULL},
    {"g1" COLONS8, NULL},
    {"da39a3ee5e6b4b0d3255bfef95601890afd80709", NULL},             /* SHA-1 */
};

enum { OFF = SOURCE_VERIFY_NONE, MAYBE = SOURCE_VERIFY_OPTIONAL, MUST_BE = SOURCE_VERIFY_REQUIRED };

static const struct {
    const char *name;
    unsigned verify;
    const char *list, *was; /* NULL: no list */
    bool has_ca;
    const char *word;
} words[] = {
    {"no list: what the chain says", MUST_BE, NULL, "ok", true, "ok"},
    {"and why not", MUST_BE, NULL, "expired", true, "expired"},
    {"no list, no CAs", MAYBE, NULL, "self-signed", false, "self-signed"},
    {"not asked", OFF, EFS, "none", true, "none"},
    {"not asked, and shown all the same", OFF, ONES, "ok", true, "ok"},
    {"listed and verified", MUST_BE, EFS, "ok", true, "ok"},
    {"by its key", MAYBE, COLONS8 COLONS8 COLONS8 "EF:EF:EF:EF:EF:EF:EF:EF", "ok", true, "ok"},
    {"verified and not listed", MUST_BE, ONES, "ok", true, "not-listed"},
    {"optional: the same", MAYBE, ONES, "ok", true, "not-listed"},
    {"listed, and the CAs do not know it", MUST_BE, EFS, "untrusted", true, "untrusted"},
    {"listed, signed by itself, and there are CAs", MUST_BE, EFS, "self-signed", true, "self-signed"},
    {"listed, signed by itself, and there are none", MUST_BE, EFS, "self-signed", false, "ok"},
    {"listed, by whom ever, and there are none", MUST_BE, EFS, "untrusted", false, "ok"},
    {"listed and expired", MUST_BE, EFS, "expired", false, "expired"},
    {"listed and revoked", MUST_BE, EFS, "revoked", true, "revoked"},
    {"not listed, and there are no CAs", MUST_BE, ONES, "self-signed", false, "not-listed"},
    {"none came", MUST_BE, EFS, "none", false, "none"},
};

static const struct {
    const char *names, *name;
    bool has;
} names[] = {
    {"mail.a.example", "mail.a.example", true},
    {"mail.a.example", "MAIL.a.EXAMPLE", true},
    {"x.example mail.a.example y.example", "mail.a.example", true},
    {"x.example", "mail.a.example", false},
    {"", "mail.a.example", false},
    {"mail.a.example", "", false},
    {"*.a.example", "mail.a.example", true},
    {"*.a.example", "a.example", false},
    {"*.a.example", "x.mail.a.example", false},      /* RFC 9525, 6.3: one label */
    {"m*.a.example", "mail.a.example", false},       /* and a whole one */
    {"*", "mail.a.example", false},
    {"*.", "mail.", false},
    {"mail.*.example", "mail.a.example", false},
    {"mail.a.example.evil.example", "mail.a.example", false},
    {"mail.a.example", "mail.a.exampl", false},
};
/* clang-format on */

static void fingerprints(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char read[FINGERPRINT_TEXT] = "";
        struct span whole = span_of(texts[i].text);
        const struct texts list = {&texts[i].text, 1};

        assert_row(fingerprint_read(whole, read) == (texts[i].read != NULL), texts[i].text);
        assert_row(!texts[i].read || !strcmp(read, texts[i].read), texts[i].text);
        assert_row(fingerprints_mistake(&list) == (texts[i].read ? NULL : texts[i].text),
                   texts[i].text);
        for (size_t cut = 0; texts[i].read && cut < whole.len; cut++)
            assert_row(!fingerprint_read((struct span){whole.at, cut}, read), texts[i].text);
    }
}

static void worth(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(words); i++) {
        const char *const one[] = {ONES "1", words[i].list};
        const struct source rule = {
            .verify_client_certificate = words[i].verify,
            .client_certificate_fingerprints = {one, words[i].list ? 2 : 0}};
        struct tls_facts tls = {.peer_fingerprint = "", .peer_key_fingerprint = ""};

        snprintf(tls.verify, sizeof tls.verify, "%s", words[i].was);
        if (strcmp(words[i].was, "none") != 0) /* by the one, then by the other */
            snprintf(i % 2 ? tls.peer_fingerprint : tls.peer_key_fingerprint, FINGERPRINT_TEXT,
                     "%s", EFS);
        assert_row(!strcmp(certificate_word(&rule, &tls, words[i].has_ca), words[i].word),
                   words[i].name);
    }
}

static void has_name(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++)
        assert_row(certificate_has_name(span_of(names[i].names), span_of(names[i].name)) ==
                       names[i].has,
                   names[i].names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fingerprints),
        cmocka_unit_test(worth),
        cmocka_unit_test(has_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
