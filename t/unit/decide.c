/* SPDX-License-Identifier: Apache-2.0
 *
 * What is demanded of a server: the table of "Domain rules". What becomes of it is t/unit/judge.c.
 */
#include "rule/decide.h"

#include "unit.h"

enum {
    REPORT_ENCRYPT = 1 << DEMAND_REPORT_require_starttls,
    REPORT_VERIFY = 1 << DEMAND_REPORT_smtp_tls_verify,
    REPORT_MEMORY = 1 << DEMAND_REPORT_starttls_memory,
    V_CA = DOMAIN_VERIFY_CA,
    V_NAME = DOMAIN_VERIFY_NAME,
    V_LIST = DOMAIN_VERIFY_FINGERPRINT,
    D_ON = DOMAIN_DANE_ON,
    D_MUST = DOMAIN_DANE_REQUIRED,
};

/* A domain rule whose defaults are those of the file. */
#define BARE(...)                         \
    {                                     \
        .use_starttls = true, __VA_ARGS__ \
    }
#define RULE(...)                                                                          \
    {                                                                                      \
        .use_starttls = true, .use_dane = DOMAIN_DANE_ON, .use_mta_sts = true, __VA_ARGS__ \
    }
#define OK .fail = FAIL_NOT
#define NOT(what, whose) .fail = (what), .by = (whose)
#define TLSA(is) .tlsa = TLSA_##is
#define STS(is, listed) .sts = STS_##is, .sts_lists = (listed)
#define SEEN .seen = true
#define BROKEN .broken = FAIL_STALLED

/* clang-format off */
static const struct {
    const char *name;
    struct domain rule;
    struct candidate_facts facts;
    const char *text;
    enum fail fail;
    enum demand_part by;
    enum fail broken;
} demands[] = {
    /* what the administrator says */
    {"nothing",                        {.use_starttls = false}, {0}, "none", OK},
    {"if offered",                     RULE(), {0}, "may", OK},
    {"require-starttls",               RULE(.require_starttls = true), {0}, "encrypt", OK},
    {"TLS from the first byte",        RULE(.smtp_implicit_tls = true), {0}, "encrypt", OK},
    {"verify ca",                      RULE(.smtp_tls_verify = V_CA), {0}, "verify", OK},
    {"verify name, and required",      RULE(.smtp_tls_verify = V_NAME, .require_starttls = true), {0}, "verify", OK},
    {"fingerprint",                    RULE(.smtp_tls_verify = V_LIST), {0}, "verify", OK},
    {"a contradiction is safe: require", {.require_starttls = true}, {0}, "encrypt", OK},
    {"and verify",                     {.smtp_tls_verify = V_NAME}, {0}, "verify", OK},
    {"and required DANE",              {.use_dane = D_MUST}, {TLSA(USABLE)}, "dane", OK},
    {"and memory",                     {.starttls_memory = 9}, {SEEN}, "memory", OK},
    {"and implicit TLS",               {.smtp_implicit_tls = true}, {0}, "encrypt", OK},

    /* report-only */
    {"require, reported",              RULE(.require_starttls = true, .reports = REPORT_ENCRYPT), {0}, "may+encrypt-reported", OK},
    {"verify, reported",               RULE(.smtp_tls_verify = V_NAME, .reports = REPORT_VERIFY), {0}, "may+verify-reported", OK},
    {"verify reported, require not",   RULE(.smtp_tls_verify = V_NAME, .require_starttls = true, .reports = REPORT_VERIFY), {0}, "encrypt+verify-reported", OK},
    {"require reported, verify not",   RULE(.smtp_tls_verify = V_NAME, .require_starttls = true, .reports = REPORT_ENCRYPT), {0}, "verify+encrypt-reported", OK},
    {"memory, reported",               RULE(.starttls_memory = 9, .reports = REPORT_MEMORY), {SEEN}, "may+memory-reported", OK},
    {"all reported",                   RULE(.smtp_tls_verify = V_CA, .require_starttls = true, .starttls_memory = 9, .reports = 7), {SEEN, STS(TESTING, true)},
                                       "may+encrypt-reported+verify-reported+sts-testing+memory-reported", OK},
    {"what is not set is not noted",   RULE(.reports = 7), {0}, "may", OK},
    {"implicit TLS is never reported", RULE(.smtp_implicit_tls = true, .require_starttls = true, .reports = 7), {0}, "encrypt+encrypt-reported", OK},
    {"DANE is never reported",         RULE(.reports = 7), {TLSA(USABLE)}, "dane", OK},
    {"required DANE neither",          BARE(.use_mta_sts = true, .use_dane = D_MUST, .reports = 7), {0}, "dane", NOT(FAIL_DANE_REQUIRED, PART_ENCRYPT)},
    {"nor MTA-STS",                    RULE(.reports = 7), {STS(ENFORCE, true)}, "sts", OK},

    /* DANE: RFC 7672 */
    {"usable",                         RULE(), {TLSA(USABLE)}, "dane", OK},
    {"unusable (2.2)",                 RULE(), {TLSA(UNUSABLE)}, "dane-unusable", OK},
    {"cannot be had (2.1.1)",          RULE(), {TLSA(FAILED)}, "dane", NOT(FAIL_TLSA_LOOKUP, PART_DANE)},
    {"off: usable",                    BARE(.use_mta_sts = true, .use_dane = DOMAIN_DANE_OFF), {TLSA(USABLE)}, "may", OK},
    {"off: cannot be had",             BARE(.use_mta_sts = true, .use_dane = DOMAIN_DANE_OFF), {TLSA(FAILED)}, "may", OK},
    {"required: usable",               BARE(.use_mta_sts = true, .use_dane = D_MUST), {TLSA(USABLE)}, "dane", OK},
    {"required: unusable",             BARE(.use_mta_sts = true, .use_dane = D_MUST), {TLSA(UNUSABLE)}, "dane+dane-unusable", NOT(FAIL_DANE_REQUIRED, PART_ENCRYPT)},
    {"required: none",                 BARE(.use_mta_sts = true, .use_dane = D_MUST), {0}, "dane", NOT(FAIL_DANE_REQUIRED, PART_ENCRYPT)},
    {"required: cannot be had",        BARE(.use_mta_sts = true, .use_dane = D_MUST), {TLSA(FAILED)}, "dane", NOT(FAIL_TLSA_LOOKUP, PART_DANE)},
    {"and what the rule says",         RULE(.smtp_tls_verify = V_NAME), {TLSA(USABLE)}, "verify+dane", OK},
    {"unusable, and what the rule says", RULE(.smtp_tls_verify = V_CA), {TLSA(UNUSABLE)}, "verify+dane-unusable", OK},
    {"use-starttls no: published all the same", {.use_dane = D_ON}, {TLSA(USABLE)}, "dane", OK},
    {"use-starttls no: unusable",      {.use_dane = D_ON}, {TLSA(UNUSABLE)}, "dane-unusable", OK},
    {"use-starttls no: cannot be had", {.use_dane = D_ON}, {TLSA(FAILED)}, "dane", NOT(FAIL_TLSA_LOOKUP, PART_DANE)},
    {"use-starttls no, use-dane off",  {.use_dane = DOMAIN_DANE_OFF}, {TLSA(USABLE)}, "none", OK},

    /* MTA-STS: RFC 8461 */
    {"enforce",                        RULE(), {STS(ENFORCE, true)}, "sts", OK},
    {"enforce, another server",        RULE(), {STS(ENFORCE, false)}, "sts", NOT(FAIL_STS_MX, PART_STS)},
    {"testing (5)",                    RULE(), {STS(TESTING, true)}, "may+sts-testing", OK},
    {"testing, another server",        RULE(), {STS(TESTING, false)}, "may+sts-testing", OK},
    {"none",                           RULE(), {STS(NONE, true)}, "may", OK},
    {"not heeded",                     BARE(.use_dane = D_ON), {STS(ENFORCE, false)}, "may", OK},
    {"use-starttls no: published all the same", {.use_mta_sts = true}, {STS(ENFORCE, true)}, "sts", OK},
    {"use-starttls no: testing is nothing", {.use_mta_sts = true}, {STS(TESTING, true)}, "none", OK},
    {"and what the rule says",         RULE(.smtp_tls_verify = V_LIST), {STS(ENFORCE, true)}, "verify+sts", OK},
    {"testing, and what the rule says", RULE(.require_starttls = true), {STS(TESTING, true)}, "encrypt+sts-testing", OK},

    /* both: RFC 8461, 2 */
    {"DANE stands in for the certificate", RULE(), {TLSA(USABLE), STS(ENFORCE, true)}, "dane", OK},
    {"not for a server that is not named", RULE(), {TLSA(USABLE), STS(ENFORCE, false)}, "dane+sts", NOT(FAIL_STS_MX, PART_STS)},
    {"nor does unusable DANE",         RULE(), {TLSA(UNUSABLE), STS(ENFORCE, true)}, "dane-unusable+sts", OK},
    {"no TLSA at this server",         RULE(), {TLSA(NONE), STS(ENFORCE, true)}, "sts", OK},
    {"MTA-STS does not rescue DANE",   RULE(), {TLSA(FAILED), STS(ENFORCE, true)}, "dane", NOT(FAIL_TLSA_LOOKUP, PART_DANE)},
    {"nor required DANE",              BARE(.use_mta_sts = true, .use_dane = D_MUST), {STS(ENFORCE, true)}, "dane", NOT(FAIL_DANE_REQUIRED, PART_ENCRYPT)},
    {"testing under DANE",             RULE(), {TLSA(USABLE), STS(TESTING, true)}, "dane", OK},
    {"testing under DANE, not named",  RULE(), {TLSA(USABLE), STS(TESTING, false)}, "dane+sts-testing", OK},
    {"testing under unusable DANE",    RULE(), {TLSA(UNUSABLE), STS(TESTING, true)}, "dane-unusable+sts-testing", OK},
    {"all of it",                      RULE(.smtp_tls_verify = V_NAME, .starttls_memory = 9), {TLSA(UNUSABLE), STS(ENFORCE, true), SEEN}, "verify+dane-unusable+sts+memory", OK},

    /* what is remembered */
    {"seen",                           RULE(.starttls_memory = 9), {SEEN}, "memory", OK},
    {"not seen",                       RULE(.starttls_memory = 9), {0}, "may", OK},
    {"seen, and nobody asks",          RULE(), {SEEN}, "may", OK},
    {"broken",                         RULE(), {BROKEN}, "may", OK, .broken = FAIL_STALLED},
    {"broken, and required",           RULE(.require_starttls = true), {BROKEN}, "encrypt", OK},
    {"broken, and verified",           RULE(.smtp_tls_verify = V_CA), {BROKEN}, "verify", OK},
    {"broken, DANE",                   RULE(), {BROKEN, TLSA(USABLE)}, "dane", OK},
    {"broken, unusable DANE",          RULE(), {BROKEN, TLSA(UNUSABLE)}, "dane-unusable", OK},
    {"broken, MTA-STS",                RULE(), {BROKEN, STS(ENFORCE, true)}, "sts", OK},
    {"broken, and watched",            RULE(), {BROKEN, STS(TESTING, true)}, "may+sts-testing", OK},
    {"broken, and reported",           RULE(.require_starttls = true, .reports = REPORT_ENCRYPT), {BROKEN}, "may+encrypt-reported", OK},
    {"broken, and seen",               RULE(.starttls_memory = 9), {BROKEN, SEEN}, "memory", OK},
    {"broken, seen, and nobody asks",  RULE(), {BROKEN, SEEN}, "may", OK},
    {"broken, and TLS is not wanted",  {.use_starttls = false}, {BROKEN}, "none", OK},
};
/* clang-format on */

static void test_demands(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(demands); i++) {
        char text[DEMAND_TEXT];
        struct demand d;
        enum fail fail = decide(&demands[i].rule, &demands[i].facts, &d);

        assert_row(!strcmp(demand_text(&d, text), demands[i].text), demands[i].name);
        assert_row(fail == demands[i].fail, demands[i].name);
        assert_row(d.by == demands[i].by, demands[i].name);
        assert_row(d.broken == demands[i].broken, demands[i].name);
        assert_row((d.level == DEMAND_ENCRYPT) == (d.must != 0), demands[i].name);
        assert_row(d.verify == demands[i].rule.smtp_tls_verify, demands[i].name);
        /* Whoever does not look at the fail sends nothing in the clear either. */
        assert_row(fail == FAIL_NOT || d.level == DEMAND_ENCRYPT, demands[i].name);
    }
}

static void test_by(void **state)
{
    static const struct domain rule = {.head.title = "*.test"};

    (void)state;
    assert_string_equal(demand_by(PART_NONE, &rule), "");
    assert_string_equal(demand_by(PART_ENCRYPT, &rule), "*.test");
    assert_string_equal(demand_by(PART_VERIFY, &rule), "*.test");
    assert_string_equal(demand_by(PART_DANE, &rule), "dane");
    assert_string_equal(demand_by(PART_DANE_UNUSABLE, &rule), "dane");
    assert_string_equal(demand_by(PART_STS, &rule), "mta-sts");
    assert_string_equal(demand_by(PART_MEMORY, &rule), "starttls-memory");
}

/* The longest text fits. */
static void test_text(void **state)
{
    struct demand d = {
        .level = DEMAND_ENCRYPT, .must = 2 * PART_LAST - 1, .notes = 2 * PART_LAST - 1};
    char text[DEMAND_TEXT];

    (void)state;
    assert_string_equal(demand_text(&d, text),
                        "verify+dane+dane-unusable+sts+memory+encrypt-reported+verify-reported+"
                        "dane+dane-unusable+sts-testing+memory-reported");
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
        cmocka_unit_test(test_by),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
