/* SPDX-License-Identifier: Apache-2.0
 *
 * The faces of a fail. What is about TLS has a result type of RFC 8460 (4.3), and nothing else.
 */
#include "rule/fail.h"

#include "rule/sts.h"
#include "unit.h"

#define NO_STARTTLS "starttls-not-supported"
#define GENERAL "validation-failure" /* a reason that matches no other type (4.3.4) */

static const char *const results[FAIL_COUNT] = {
    [FAIL_NO_STARTTLS] = NO_STARTTLS,
    [FAIL_STARTTLS_REFUSED] = NO_STARTTLS,
    [FAIL_STARTTLS_GONE] = NO_STARTTLS,
    [FAIL_INJECTED] = GENERAL,
    [FAIL_HANDSHAKE] = GENERAL,
    [FAIL_STALLED] = GENERAL,
    [FAIL_CLIENT_CERT] = GENERAL,
    [FAIL_CERT_UNTRUSTED] = "certificate-not-trusted",
    [FAIL_CERT_EXPIRED] = "certificate-expired",
    [FAIL_CERT_NAME] = "certificate-host-mismatch",
    [FAIL_CERT_FINGERPRINT] = GENERAL,
    [FAIL_DNSSEC] = "dnssec-invalid",
    [FAIL_TLSA_LOOKUP] = "tlsa-invalid",
    [FAIL_DANE] = GENERAL,
    [FAIL_DANE_REQUIRED] = "dane-required",
    [FAIL_STS_MX] = GENERAL,
    [FAIL_STS_UNTRUSTED] = "certificate-not-trusted",
    [FAIL_STS_EXPIRED] = "certificate-expired",
    [FAIL_STS_NAME] = "certificate-host-mismatch",
};

static void has_its_result(void **state)
{
    (void)state;
    for (int i = 0; i < FAIL_COUNT; i++) {
        const char *should = results[i] ? results[i] : "";
        const char *word = fail_word((enum fail)i);

        assert_row(!strcmp(fail_result((enum fail)i), should), word);
        assert_row(!strcmp(fail_word_result(span_of(word)), should), word);
    }
}

static void trouble_is_its_own_result(void **state)
{
    static const char *const words[] = {"sts-policy-fetch-error", "sts-policy-invalid",
                                        "sts-webpki-invalid"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(words); i++)
        assert_string_equal(fail_word_result(span_of(words[i])), words[i]);
    assert_string_equal(fail_word_result(SPAN("")), "");
    assert_string_equal(fail_word_result(SPAN("handshake-")), "");
}

/* A word stands for one fail only. */
static void words_are_unique(void **state)
{
    (void)state;
    for (int i = 1; i < FAIL_COUNT; i++)
        for (int j = 0; j < i; j++)
            assert_string_not_equal(fail_word((enum fail)i), fail_word((enum fail)j));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(has_its_result),
        cmocka_unit_test(trouble_is_its_own_result),
        cmocka_unit_test(words_are_unique),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
