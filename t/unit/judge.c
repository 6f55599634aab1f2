/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a demand: each part of it, over all that a server can show.
 */
#include "rule/decide.h"

#include "unit.h"

#define OK .fail = FAIL_NOT
#define NOT(what, whose) .fail = (what), .by = (whose)
#define NOTED(what, whose) .noted = (what), .noted_by = (whose)

#define MUST_(parts, ...)                                     \
    {                                                         \
        .level = DEMAND_ENCRYPT, .must = (parts), __VA_ARGS__ \
    }
#define NOTE(parts, ...)                                   \
    {                                                      \
        .level = DEMAND_MAY, .notes = (parts), __VA_ARGS__ \
    }
#define BY(how) .verify = DOMAIN_VERIFY_##how
#define NONE                 \
    {                        \
        .level = DEMAND_NONE \
    }
#define MAY                 \
    {                       \
        .level = DEMAND_MAY \
    }
#define ENCRYPT MUST_(PART_ENCRYPT)
#define VERIFY_CA MUST_(PART_VERIFY, BY(CA))
#define VERIFY_NAME MUST_(PART_VERIFY, BY(NAME))
#define VERIFY_LIST MUST_(PART_VERIFY, BY(FINGERPRINT))
#define DANE MUST_(PART_DANE)
#define UNUSABLE MUST_(PART_DANE_UNUSABLE)
#define ENFORCE MUST_(PART_STS)
#define MEMORY MUST_(PART_MEMORY)

/* What handshakes show: all that there can be, or all but what is said. */
#define LACKS(o)           \
    {                      \
        .outcome = TLS_##o \
    }
#define SHOWN(...)                                       \
    {                                                    \
        .outcome = TLS_DONE, .listed = true, __VA_ARGS__ \
    }
#define ALL SHOWN(.cert = CERT_OK)
#define CERT(is) SHOWN(.cert = CERT_##is, .sts = CERT_##is)
#define UNLISTED            \
    {                       \
        .outcome = TLS_DONE \
    }
#define BY_TLSA(is) SHOWN(.dane = DANE_##is)
#define UNMATCHED BY_TLSA(UNMATCHED)
#define STS_CERT(is) SHOWN(.sts = CERT_##is)
/* Its only virtue. */
#define ONLY_DANE                                                          \
    {                                                                      \
        .outcome = TLS_DONE, .cert = CERT_UNTRUSTED, .sts = CERT_UNTRUSTED \
    }
#define ONLY_LISTED SHOWN(.cert = CERT_EXPIRED, .sts = CERT_UNTRUSTED, .dane = DANE_UNMATCHED)
#define ONLY_STS                                                            \
    {                                                                       \
        .outcome = TLS_DONE, .cert = CERT_UNTRUSTED, .dane = DANE_UNMATCHED \
    }

enum { BEFORE_MAIL = false, MAIL_SENT = true };

/* clang-format off */
static const struct {
    const char *name;
    struct demand demand;
    struct tls_shown shown;
    bool mail_sent;
    enum decision then;
    enum fail fail;
    enum demand_part by;
    enum fail noted;
    enum demand_part noted_by;
} judgements[] = {
    {"none: in the clear",             NONE,        LACKS(NOT_OFFERED), BEFORE_MAIL, GO_CLEAR,       OK},
    {"none: TLS all the same",         NONE,        CERT(UNTRUSTED),    BEFORE_MAIL, GO_SECURE,      OK},

    {"may: not offered",               MAY,         LACKS(NOT_OFFERED), BEFORE_MAIL, GO_CLEAR,       OK},
    {"may: refused (454)",             MAY,         LACKS(REFUSED),     BEFORE_MAIL, GO_CLEAR,       OK},
    {"may: handshake broken",          MAY,         LACKS(BROKEN),      BEFORE_MAIL, GO_AGAIN_CLEAR, OK},
    {"may: handshake stalled",         MAY,         LACKS(STALLED),     BEFORE_MAIL, GO_AGAIN_CLEAR, OK},
    {"may: broken, after MAIL",        MAY,         LACKS(BROKEN),      MAIL_SENT,   GO_NOT,         NOT(FAIL_HANDSHAKE, PART_NONE)},
    {"may: certificate unwanted",      MAY,         LACKS(UNWANTED),    BEFORE_MAIL, GO_AGAIN_CLEAR, OK},
    {"may: stalled, after MAIL",       MAY,         LACKS(STALLED),     MAIL_SENT,   GO_NOT,         NOT(FAIL_STALLED, PART_NONE)},
    {"may: injected",                  MAY,         LACKS(INJECTED),    BEFORE_MAIL, GO_NOT,         NOT(FAIL_INJECTED, PART_NONE)},
    {"may: done",                      MAY,         ALL,                BEFORE_MAIL, GO_SECURE,      OK},
    {"may: untrusted stays in TLS",    MAY,         CERT(UNTRUSTED),    BEFORE_MAIL, GO_SECURE,      OK},
    {"may: expired stays in TLS",      MAY,         CERT(EXPIRED),      BEFORE_MAIL, GO_SECURE,      OK},
    {"may: other name stays in TLS",   MAY,         CERT(OTHER_NAME),   BEFORE_MAIL, GO_SECURE,      OK},

    {"encrypt: not offered",           ENCRYPT,     LACKS(NOT_OFFERED), BEFORE_MAIL, GO_NOT,         NOT(FAIL_NO_STARTTLS, PART_ENCRYPT)},
    {"encrypt: refused",               ENCRYPT,     LACKS(REFUSED),     BEFORE_MAIL, GO_NOT,         NOT(FAIL_STARTTLS_REFUSED, PART_ENCRYPT)},
    {"encrypt: injected",              ENCRYPT,     LACKS(INJECTED),    BEFORE_MAIL, GO_NOT,         NOT(FAIL_INJECTED, PART_ENCRYPT)},
    {"encrypt: broken",                ENCRYPT,     LACKS(BROKEN),      BEFORE_MAIL, GO_NOT,         NOT(FAIL_HANDSHAKE, PART_ENCRYPT)},
    {"encrypt: certificate unwanted",  ENCRYPT,     LACKS(UNWANTED),    BEFORE_MAIL, GO_NOT,         NOT(FAIL_CLIENT_CERT, PART_ENCRYPT)},
    {"encrypt: stalled",               ENCRYPT,     LACKS(STALLED),     BEFORE_MAIL, GO_NOT,         NOT(FAIL_STALLED, PART_ENCRYPT)},
    {"encrypt: done",                  ENCRYPT,     ALL,                BEFORE_MAIL, GO_SECURE,      OK},
    {"encrypt: any certificate",       ENCRYPT,     CERT(UNTRUSTED),    BEFORE_MAIL, GO_SECURE,      OK},

    {"verify ca: not offered",         VERIFY_CA,   LACKS(NOT_OFFERED), BEFORE_MAIL, GO_NOT,         NOT(FAIL_NO_STARTTLS, PART_VERIFY)},
    {"verify ca: broken",              VERIFY_CA,   LACKS(BROKEN),      BEFORE_MAIL, GO_NOT,         NOT(FAIL_HANDSHAKE, PART_VERIFY)},
    {"verify ca: done",                VERIFY_CA,   ALL,                BEFORE_MAIL, GO_SECURE,      OK},
    {"verify ca: untrusted",           VERIFY_CA,   CERT(UNTRUSTED),    BEFORE_MAIL, GO_NOT,         NOT(FAIL_CERT_UNTRUSTED, PART_VERIFY)},
    {"verify ca: expired",             VERIFY_CA,   CERT(EXPIRED),      BEFORE_MAIL, GO_NOT,         NOT(FAIL_CERT_EXPIRED, PART_VERIFY)},
    {"verify ca: the name is free",    VERIFY_CA,   CERT(OTHER_NAME),   BEFORE_MAIL, GO_SECURE,      OK},
    {"verify ca: fingerprints are for others", VERIFY_CA, UNLISTED,     BEFORE_MAIL, GO_SECURE,      OK},
    {"verify name: done",              VERIFY_NAME, ALL,                BEFORE_MAIL, GO_SECURE,      OK},
    {"verify name: other name",        VERIFY_NAME, CERT(OTHER_NAME),   BEFORE_MAIL, GO_NOT,         NOT(FAIL_CERT_NAME, PART_VERIFY)},
    {"verify name: untrusted",         VERIFY_NAME, CERT(UNTRUSTED),    BEFORE_MAIL, GO_NOT,         NOT(FAIL_CERT_UNTRUSTED, PART_VERIFY)},
    {"verify name: refused",           VERIFY_NAME, LACKS(REFUSED),     BEFORE_MAIL, GO_NOT,         NOT(FAIL_STARTTLS_REFUSED, PART_VERIFY)},
    {"verify name: stalled",           VERIFY_NAME, LACKS(STALLED),     BEFORE_MAIL, GO_NOT,         NOT(FAIL_STALLED, PART_VERIFY)},
    {"verify name: DANE is no help",   VERIFY_NAME, ONLY_DANE,          BEFORE_MAIL, GO_NOT,         NOT(FAIL_CERT_UNTRUSTED, PART_VERIFY)},
    {"fingerprint: listed, that is all", VERIFY_LIST, ONLY_LISTED,      BEFORE_MAIL, GO_SECURE,      OK},
    {"fingerprint: not listed",        VERIFY_LIST, UNLISTED,           BEFORE_MAIL, GO_NOT,         NOT(FAIL_CERT_FINGERPRINT, PART_VERIFY)},
    {"fingerprint: not offered",       VERIFY_LIST, LACKS(NOT_OFFERED), BEFORE_MAIL, GO_NOT,         NOT(FAIL_NO_STARTTLS, PART_VERIFY)},

    {"dane: matches, that is all",     DANE,        ONLY_DANE,          BEFORE_MAIL, GO_SECURE,      OK},
    {"dane: does not match",           DANE,        UNMATCHED,          BEFORE_MAIL, GO_NOT,         NOT(FAIL_DANE, PART_DANE)},
    {"dane: another name",             DANE,        BY_TLSA(OTHER_NAME), BEFORE_MAIL, GO_NOT,        NOT(FAIL_DANE, PART_DANE)},
    {"dane: expired",                  DANE,        BY_TLSA(EXPIRED),   BEFORE_MAIL, GO_NOT,         NOT(FAIL_DANE, PART_DANE)},
    {"dane: the records are none",     DANE,        BY_TLSA(UNUSABLE),  BEFORE_MAIL, GO_SECURE,      OK},
    {"dane required: they are none",   MUST_(PART_DANE, .dane_required = true), BY_TLSA(UNUSABLE), BEFORE_MAIL, GO_NOT, NOT(FAIL_DANE, PART_DANE)},
    {"dane for sts: they are none",    MUST_(PART_DANE, .sts_behind = true), SHOWN(.sts = CERT_UNTRUSTED, .dane = DANE_UNUSABLE), BEFORE_MAIL, GO_NOT, NOT(FAIL_STS_UNTRUSTED, PART_DANE)},
    {"dane for sts: none, and sts holds", MUST_(PART_DANE, .sts_behind = true), BY_TLSA(UNUSABLE), BEFORE_MAIL, GO_SECURE, OK},
    {"dane for sts: sts is no rescue", MUST_(PART_DANE, .sts_behind = true), BY_TLSA(UNMATCHED), BEFORE_MAIL, GO_NOT, NOT(FAIL_DANE, PART_DANE)},
    {"dane: not offered",              DANE,        LACKS(NOT_OFFERED), BEFORE_MAIL, GO_NOT,         NOT(FAIL_NO_STARTTLS, PART_DANE)},
    {"dane: refused",                  DANE,        LACKS(REFUSED),     BEFORE_MAIL, GO_NOT,         NOT(FAIL_STARTTLS_REFUSED, PART_DANE)},
    {"dane: broken",                   DANE,        LACKS(BROKEN),      BEFORE_MAIL, GO_NOT,         NOT(FAIL_HANDSHAKE, PART_DANE)},
    {"unusable: any certificate",      UNUSABLE,    CERT(UNTRUSTED),    BEFORE_MAIL, GO_SECURE,      OK},
    {"unusable: not offered",          UNUSABLE,    LACKS(NOT_OFFERED), BEFORE_MAIL, GO_NOT,         NOT(FAIL_NO_STARTTLS, PART_DANE_UNUSABLE)},
    {"unusable: stalled",              UNUSABLE,    LACKS(STALLED),     BEFORE_MAIL, GO_NOT,         NOT(FAIL_STALLED, PART_DANE_UNUSABLE)},

    {"sts: done",                      ENFORCE,     ONLY_STS,           BEFORE_MAIL, GO_SECURE,      OK},
    {"sts: untrusted",                 ENFORCE,     STS_CERT(UNTRUSTED), BEFORE_MAIL, GO_NOT,        NOT(FAIL_STS_UNTRUSTED, PART_STS)},
    {"sts: expired",                   ENFORCE,     STS_CERT(EXPIRED),  BEFORE_MAIL, GO_NOT,         NOT(FAIL_STS_EXPIRED, PART_STS)},
    {"sts: other name",                ENFORCE,     STS_CERT(OTHER_NAME), BEFORE_MAIL, GO_NOT,       NOT(FAIL_STS_NAME, PART_STS)},
    {"sts: not offered",               ENFORCE,     LACKS(NOT_OFFERED), BEFORE_MAIL, GO_NOT,         NOT(FAIL_NO_STARTTLS, PART_STS)},
    {"sts: DANE that nobody demands is no help", ENFORCE, ONLY_DANE,    BEFORE_MAIL, GO_NOT,         NOT(FAIL_STS_UNTRUSTED, PART_STS)},
    {"memory: gone",                   MEMORY,      LACKS(NOT_OFFERED), BEFORE_MAIL, GO_NOT,         NOT(FAIL_STARTTLS_GONE, PART_MEMORY)},
    {"memory: refused",                MEMORY,      LACKS(REFUSED),     BEFORE_MAIL, GO_NOT,         NOT(FAIL_STARTTLS_REFUSED, PART_MEMORY)},
    {"memory: stalled",                MEMORY,      LACKS(STALLED),     BEFORE_MAIL, GO_NOT,         NOT(FAIL_STALLED, PART_MEMORY)},
    {"memory: any certificate",        MEMORY,      CERT(UNTRUSTED),    BEFORE_MAIL, GO_SECURE,      OK},

    /* All must hold, each by itself. */
    {"verify and dane: both",          MUST_(PART_VERIFY | PART_DANE, BY(NAME)), ALL,           BEFORE_MAIL, GO_SECURE, OK},
    {"verify and dane: dane alone",    MUST_(PART_VERIFY | PART_DANE, BY(NAME)), ONLY_DANE,     BEFORE_MAIL, GO_NOT, NOT(FAIL_CERT_UNTRUSTED, PART_VERIFY)},
    {"verify and dane: verify alone",  MUST_(PART_VERIFY | PART_DANE, BY(NAME)), UNMATCHED,     BEFORE_MAIL, GO_NOT, NOT(FAIL_DANE, PART_DANE)},
    {"verify and sts: verify alone",   MUST_(PART_VERIFY | PART_STS, BY(CA)), STS_CERT(OTHER_NAME), BEFORE_MAIL, GO_NOT, NOT(FAIL_STS_NAME, PART_STS)},
    {"verify and sts: sts alone",      MUST_(PART_VERIFY | PART_STS, BY(CA)), ONLY_STS,         BEFORE_MAIL, GO_NOT, NOT(FAIL_CERT_UNTRUSTED, PART_VERIFY)},
    {"unusable and sts: sts holds",    MUST_(PART_DANE_UNUSABLE | PART_STS), ONLY_STS,          BEFORE_MAIL, GO_SECURE, OK},
    {"unusable and sts: it does not",  MUST_(PART_DANE_UNUSABLE | PART_STS), STS_CERT(UNTRUSTED), BEFORE_MAIL, GO_NOT, NOT(FAIL_STS_UNTRUSTED, PART_STS)},
    {"encrypt and memory: not offered", MUST_(PART_ENCRYPT | PART_MEMORY), LACKS(NOT_OFFERED),  BEFORE_MAIL, GO_NOT, NOT(FAIL_NO_STARTTLS, PART_ENCRYPT)},

    /* What is only noted never stops, and never hides what does. */
    {"encrypt reported: not offered",  NOTE(PART_ENCRYPT),              LACKS(NOT_OFFERED), BEFORE_MAIL, GO_CLEAR,       NOTED(FAIL_NO_STARTTLS, PART_ENCRYPT)},
    {"encrypt reported: broken",       NOTE(PART_ENCRYPT),              LACKS(BROKEN),      BEFORE_MAIL, GO_AGAIN_CLEAR, NOTED(FAIL_HANDSHAKE, PART_ENCRYPT)},
    {"encrypt reported: injected",     NOTE(PART_ENCRYPT),              LACKS(INJECTED),    BEFORE_MAIL, GO_NOT,    NOT(FAIL_INJECTED, PART_NONE), NOTED(FAIL_INJECTED, PART_ENCRYPT)},
    {"encrypt reported: done",         NOTE(PART_ENCRYPT),              CERT(UNTRUSTED),    BEFORE_MAIL, GO_SECURE,      OK},
    {"verify reported: other name",    NOTE(PART_VERIFY, BY(NAME)),     CERT(OTHER_NAME),   BEFORE_MAIL, GO_SECURE,      NOTED(FAIL_CERT_NAME, PART_VERIFY)},
    {"verify reported: not listed",    NOTE(PART_VERIFY, BY(FINGERPRINT)), UNLISTED,        BEFORE_MAIL, GO_SECURE,      NOTED(FAIL_CERT_FINGERPRINT, PART_VERIFY)},
    {"verify reported: good",          NOTE(PART_VERIFY, BY(NAME)),     ALL,                BEFORE_MAIL, GO_SECURE,      OK},
    {"memory reported: gone",          NOTE(PART_MEMORY),               LACKS(NOT_OFFERED), BEFORE_MAIL, GO_CLEAR,       NOTED(FAIL_STARTTLS_GONE, PART_MEMORY)},
    {"testing: not offered",           NOTE(PART_STS),                  LACKS(NOT_OFFERED), BEFORE_MAIL, GO_CLEAR,       NOTED(FAIL_NO_STARTTLS, PART_STS)},
    {"testing: untrusted",             NOTE(PART_STS),                  STS_CERT(UNTRUSTED), BEFORE_MAIL, GO_SECURE,     NOTED(FAIL_STS_UNTRUSTED, PART_STS)},
    {"testing: good",                  NOTE(PART_STS),                  ALL,                BEFORE_MAIL, GO_SECURE,      OK},
    {"testing: not named",             NOTE(PART_STS, .sts_unlisted = true), ALL,           BEFORE_MAIL, GO_SECURE,      NOTED(FAIL_STS_MX, PART_STS)},
    {"encrypt, verify reported: not offered", MUST_(PART_ENCRYPT, .notes = PART_VERIFY, BY(NAME)), LACKS(NOT_OFFERED), BEFORE_MAIL, GO_NOT, NOT(FAIL_NO_STARTTLS, PART_ENCRYPT), NOTED(FAIL_NO_STARTTLS, PART_VERIFY)},
    {"encrypt, verify reported: untrusted", MUST_(PART_ENCRYPT, .notes = PART_VERIFY, BY(NAME)), CERT(UNTRUSTED), BEFORE_MAIL, GO_SECURE, NOTED(FAIL_CERT_UNTRUSTED, PART_VERIFY)},
    {"dane, testing: dane fails",      MUST_(PART_DANE, .notes = PART_STS), UNMATCHED,      BEFORE_MAIL, GO_NOT,    NOT(FAIL_DANE, PART_DANE)},
};
/* clang-format on */

static void test_judgements(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(judgements); i++) {
        struct judgement j =
            judge(&judgements[i].demand, &judgements[i].shown, judgements[i].mail_sent);

        assert_row(j.then == judgements[i].then, judgements[i].name);
        assert_row(j.fail == judgements[i].fail, judgements[i].name);
        assert_row(j.by == judgements[i].by, judgements[i].name);
        assert_row(j.noted == judgements[i].noted, judgements[i].name);
        assert_row(j.noted_by == judgements[i].noted_by, judgements[i].name);
    }
}

enum { PARTS = 2 * PART_LAST, SHOWN_ALL = 4 * 4 * 2 * 5 };

static struct tls_shown shown_as(unsigned n, enum tls_outcome outcome)
{
    return (struct tls_shown){.outcome = outcome,
                              .cert = (enum cert_state)(n % 4),
                              .sts = (enum cert_state)(n / 4 % 4),
                              .listed = n / 16 % 2,
                              .dane = (enum dane_state)(n / 32)};
}

/* The parts of a demand, one by one, said in another way than judge() says it. */
static bool holds(const struct demand *d, const struct tls_shown *s)
{
    bool name = d->verify == DOMAIN_VERIFY_NAME, list = d->verify == DOMAIN_VERIFY_FINGERPRINT;
    bool chain = s->cert == CERT_OK || (s->cert == CERT_OTHER_NAME && !name);

    return s->outcome == TLS_DONE &&
           (!(d->must & PART_DANE) || s->dane == DANE_MATCHED || s->dane == DANE_UNUSABLE) &&
           (!(d->must & PART_STS) || s->sts == CERT_OK) &&
           (!(d->must & PART_VERIFY) || (list ? s->listed : chain));
}

/* The promise, over every set of parts, enforced and noted, and everything that can be shown: what
 * must be secret goes on in TLS, with all that is demanded of it, or not at all. */
static void test_never_clear(void **state)
{
    (void)state;
    for (unsigned must = 1; must < PARTS; must++)
        for (unsigned n = 0; n < SHOWN_ALL * 4 * 6 * 2; n++) {
            struct tls_shown s = shown_as(n % SHOWN_ALL, (enum tls_outcome)(n / SHOWN_ALL % 6));
            struct demand d = {DEMAND_ENCRYPT, must, .notes = ~must & (PARTS - 1),
                               .verify = (enum domain_verify)(n / (SHOWN_ALL * 6) % 4)};
            struct judgement j = judge(&d, &s, n / (SHOWN_ALL * 6 * 4));

            assert_true(j.then == GO_NOT || j.then == GO_SECURE);
            assert_int_equal(j.then == GO_SECURE, holds(&d, &s));
            assert_int_equal(j.then == GO_NOT, j.fail != FAIL_NOT);
            assert_int_equal(j.then == GO_NOT, j.by != PART_NONE);
            assert_true(!j.by || (must & j.by));
            assert_true(!j.noted_by || (d.notes & j.noted_by));
        }
}

/* And without a demand: TLS wherever it came about, and clear text never behind injected bytes or
 * once MAIL was sent on a connection that broke, whatever is noted. */
static void test_may(void **state)
{
    (void)state;
    for (unsigned notes = 0; notes < PARTS; notes++)
        for (unsigned n = 0; n < SHOWN_ALL * 6 * 2; n++) {
            struct tls_shown s = shown_as(n % SHOWN_ALL, (enum tls_outcome)(n / SHOWN_ALL % 6));
            struct demand d = {DEMAND_MAY, .notes = notes, .verify = DOMAIN_VERIFY_NAME};
            bool mail_sent = n / (SHOWN_ALL * 6);
            struct judgement j = judge(&d, &s, mail_sent);
            bool again =
                s.outcome == TLS_BROKEN || s.outcome == TLS_STALLED || s.outcome == TLS_UNWANTED;

            assert_int_equal(j.then == GO_SECURE, s.outcome == TLS_DONE);
            assert_int_equal(j.then == GO_NOT, s.outcome == TLS_INJECTED || (again && mail_sent));
            assert_int_equal(j.then == GO_AGAIN_CLEAR, again && !mail_sent);
            assert_int_equal(j.by, PART_NONE);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judgements),
        cmocka_unit_test(test_never_clear),
        cmocka_unit_test(test_may),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
