/* SPDX-License-Identifier: Apache-2.0
 *
 * What is demanded, and what becomes of it: the table of "Domain rules".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rule/decide.h"

static const struct {
    const char *name;
    struct domain rule;
    enum demand_level level;
    const char *word;
} demands[] = {
    {"nothing", {.use_starttls = false}, DEMAND_NONE, "none"},
    {"if offered", {.use_starttls = true}, DEMAND_MAY, "may"},
    {"require-starttls",
     {.use_starttls = true, .require_starttls = true},
     DEMAND_ENCRYPT,
     "encrypt"},
    {"verify ca",
     {.use_starttls = true, .smtp_tls_verify = DOMAIN_VERIFY_CA},
     DEMAND_VERIFY,
     "verify"},
    {"verify name, and required",
     {.use_starttls = true, .require_starttls = true, .smtp_tls_verify = DOMAIN_VERIFY_NAME},
     DEMAND_VERIFY,
     "verify"},
    {"a contradiction falls to the safe side: require",
     {.require_starttls = true},
     DEMAND_ENCRYPT,
     "encrypt"},
    {"and verify", {.smtp_tls_verify = DOMAIN_VERIFY_NAME}, DEMAND_VERIFY, "verify"},
};

static void test_demands(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(demands); i++) {
        struct demand d = decide(&demands[i].rule);

        print_message("# %s\n", demands[i].name);
        assert_int_equal(d.level, demands[i].level);
        assert_int_equal(d.verify, demands[i].rule.smtp_tls_verify);
        assert_string_equal(demand_word(&d), demands[i].word);
    }
}

#define NONE                            \
    {                                   \
        DEMAND_NONE, DOMAIN_VERIFY_NONE \
    }
#define MAY                            \
    {                                  \
        DEMAND_MAY, DOMAIN_VERIFY_NONE \
    }
#define ENCRYPT                            \
    {                                      \
        DEMAND_ENCRYPT, DOMAIN_VERIFY_NONE \
    }
#define VERIFY_CA                       \
    {                                   \
        DEMAND_VERIFY, DOMAIN_VERIFY_CA \
    }
#define VERIFY_NAME                       \
    {                                     \
        DEMAND_VERIFY, DOMAIN_VERIFY_NAME \
    }

enum { BEFORE_MAIL = false, MAIL_SENT = true };

/* clang-format off */
static const struct {
    const char *name;
    struct demand demand;
    enum tls_outcome outcome;
    enum cert_state cert;
    bool mail_sent;
    enum decision decision;
    enum fail fail;
} judgements[] = {
    {"none: in the clear",             NONE,        TLS_NOT_OFFERED, CERT_OK,         BEFORE_MAIL, GO_CLEAR,       FAIL_NOT},
    {"none: TLS all the same",         NONE,        TLS_DONE,        CERT_UNTRUSTED,  BEFORE_MAIL, GO_SECURE,      FAIL_NOT},

    {"may: not offered",               MAY,         TLS_NOT_OFFERED, CERT_OK,         BEFORE_MAIL, GO_CLEAR,       FAIL_NOT},
    {"may: refused (454)",             MAY,         TLS_REFUSED,     CERT_OK,         BEFORE_MAIL, GO_CLEAR,       FAIL_NOT},
    {"may: handshake broken",          MAY,         TLS_BROKEN,      CERT_OK,         BEFORE_MAIL, GO_AGAIN_CLEAR, FAIL_NOT},
    {"may: handshake stalled",         MAY,         TLS_STALLED,     CERT_OK,         BEFORE_MAIL, GO_AGAIN_CLEAR, FAIL_NOT},
    {"may: broken, after MAIL",        MAY,         TLS_BROKEN,      CERT_OK,         MAIL_SENT,   GO_NOT,         FAIL_HANDSHAKE},
    {"may: stalled, after MAIL",       MAY,         TLS_STALLED,     CERT_OK,         MAIL_SENT,   GO_NOT,         FAIL_STALLED},
    {"may: injected",                  MAY,         TLS_INJECTED,    CERT_OK,         BEFORE_MAIL, GO_NOT,         FAIL_INJECTED},
    {"may: done",                      MAY,         TLS_DONE,        CERT_OK,         BEFORE_MAIL, GO_SECURE,      FAIL_NOT},
    {"may: untrusted stays in TLS",    MAY,         TLS_DONE,        CERT_UNTRUSTED,  BEFORE_MAIL, GO_SECURE,      FAIL_NOT},
    {"may: expired stays in TLS",      MAY,         TLS_DONE,        CERT_EXPIRED,    BEFORE_MAIL, GO_SECURE,      FAIL_NOT},
    {"may: other name stays in TLS",   MAY,         TLS_DONE,        CERT_OTHER_NAME, BEFORE_MAIL, GO_SECURE,      FAIL_NOT},

    {"encrypt: not offered",           ENCRYPT,     TLS_NOT_OFFERED, CERT_OK,         BEFORE_MAIL, GO_NOT,         FAIL_NO_STARTTLS},
    {"encrypt: refused",               ENCRYPT,     TLS_REFUSED,     CERT_OK,         BEFORE_MAIL, GO_NOT,         FAIL_STARTTLS_REFUSED},
    {"encrypt: injected",              ENCRYPT,     TLS_INJECTED,    CERT_OK,         BEFORE_MAIL, GO_NOT,         FAIL_INJECTED},
    {"encrypt: broken",                ENCRYPT,     TLS_BROKEN,      CERT_OK,         BEFORE_MAIL, GO_NOT,         FAIL_HANDSHAKE},
    {"encrypt: stalled",               ENCRYPT,     TLS_STALLED,     CERT_OK,         BEFORE_MAIL, GO_NOT,         FAIL_STALLED},
    {"encrypt: done",                  ENCRYPT,     TLS_DONE,        CERT_OK,         BEFORE_MAIL, GO_SECURE,      FAIL_NOT},
    {"encrypt: any certificate",       ENCRYPT,     TLS_DONE,        CERT_UNTRUSTED,  BEFORE_MAIL, GO_SECURE,      FAIL_NOT},

    {"verify ca: not offered",         VERIFY_CA,   TLS_NOT_OFFERED, CERT_OK,         BEFORE_MAIL, GO_NOT,         FAIL_NO_STARTTLS},
    {"verify ca: broken",              VERIFY_CA,   TLS_BROKEN,      CERT_OK,         BEFORE_MAIL, GO_NOT,         FAIL_HANDSHAKE},
    {"verify ca: done",                VERIFY_CA,   TLS_DONE,        CERT_OK,         BEFORE_MAIL, GO_SECURE,      FAIL_NOT},
    {"verify ca: untrusted",           VERIFY_CA,   TLS_DONE,        CERT_UNTRUSTED,  BEFORE_MAIL, GO_NOT,         FAIL_CERT_UNTRUSTED},
    {"verify ca: expired",             VERIFY_CA,   TLS_DONE,        CERT_EXPIRED,    BEFORE_MAIL, GO_NOT,         FAIL_CERT_EXPIRED},
    {"verify ca: the name is free",    VERIFY_CA,   TLS_DONE,        CERT_OTHER_NAME, BEFORE_MAIL, GO_SECURE,      FAIL_NOT},
    {"verify name: done",              VERIFY_NAME, TLS_DONE,        CERT_OK,         BEFORE_MAIL, GO_SECURE,      FAIL_NOT},
    {"verify name: other name",        VERIFY_NAME, TLS_DONE,        CERT_OTHER_NAME, BEFORE_MAIL, GO_NOT,         FAIL_CERT_NAME},
    {"verify name: untrusted",         VERIFY_NAME, TLS_DONE,        CERT_UNTRUSTED,  BEFORE_MAIL, GO_NOT,         FAIL_CERT_UNTRUSTED},
    {"verify name: refused",           VERIFY_NAME, TLS_REFUSED,     CERT_OK,         BEFORE_MAIL, GO_NOT,         FAIL_STARTTLS_REFUSED},
    {"verify name: stalled",           VERIFY_NAME, TLS_STALLED,     CERT_OK,         BEFORE_MAIL, GO_NOT,         FAIL_STALLED},
};
/* clang-format on */

static void test_judgements(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(judgements); i++) {
        enum fail fail = FAIL_COUNT;

        print_message("# %s\n", judgements[i].name);
        assert_int_equal(judge(&judgements[i].demand, judgements[i].outcome, judgements[i].cert,
                               judgements[i].mail_sent, &fail),
                         judgements[i].decision);
        assert_int_equal(fail, judgements[i].fail);
    }
}

/* The promise, over every combination: what must be secret goes on in TLS or not at all. */
static void test_never_clear(void **state)
{
    enum fail fail;

    (void)state;
    for (int level = DEMAND_ENCRYPT; level <= DEMAND_VERIFY; level++) {
        for (int outcome = 0; outcome <= TLS_DONE; outcome++) {
            for (int rest = 0; rest < 4 * 2 * 3; rest++) {
                struct demand d = {(enum demand_level)level, (enum domain_verify)(rest / 8)};
                enum decision then = judge(&d, (enum tls_outcome)outcome,
                                           (enum cert_state)(rest % 4), rest / 4 % 2, &fail);

                assert_true(then == GO_NOT || (then == GO_SECURE && outcome == TLS_DONE));
                assert_int_equal(then == GO_NOT, fail != FAIL_NOT);
            }
        }
    }
}

/* Each way to fail has a word of its own, and a reply whose two codes agree. */
static void test_fails(void **state)
{
    (void)state;
    assert_string_equal(fail_word(FAIL_NOT), "");
    assert_string_equal(fail_reply(FAIL_NOT), "");
    for (int f = FAIL_NOT + 1; f < FAIL_COUNT; f++) {
        const char *reply = fail_reply((enum fail)f);

        assert_true(reply[0] == '4' || reply[0] == '5');
        assert_int_equal(reply[0], reply[4]);
        assert_int_equal(reply[5], '.');
        for (int other = f + 1; other < FAIL_COUNT; other++)
            assert_string_not_equal(fail_word((enum fail)f), fail_word((enum fail)other));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_demands),
        cmocka_unit_test(test_judgements),
        cmocka_unit_test(test_never_clear),
        cmocka_unit_test(test_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
