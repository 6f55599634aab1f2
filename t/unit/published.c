/* SPDX-License-Identifier: Apache-2.0
 *
 * What a record says of the policy that a session is under (RFC 8460, 4.2).
 */
#include "way/published.h"

#include <stdio.h>

#include "unit.h"

static struct find f;
static struct answer policy, tlsa;
static struct candidate at;

/* The server's facts, of which tests leave out what they want. */
static struct known known(void)
{
    struct known k = {.port = 25, .tlsa = &tlsa};

    memset(&policy, 0, sizeof policy);
    memset(&tlsa, 0, sizeof tlsa);
    memset(&f, 0, sizeof f);
    f.hosts.count = 1;
    (void)snprintf(f.hosts.at[0].name, IDNA_NAME, "b.test");
    f.look[0].policy = &policy;
    policy.sts = (struct answer_sts){.mode = STS_ENFORCE, .max_age = 86400};
    policy.count = 2;
    (void)snprintf(policy.sts.mx[0], DNS_NAME, "mx.b.test");
    (void)snprintf(policy.sts.mx[1], DNS_NAME, "*.b.test");
    tlsa.tlsa.state = TLSA_USABLE;
    tlsa.count = 2;
    tlsa.tlsa.at[0] = (struct tlsa){3, 1, 1, 2, {0x0f, 0xa0}};
    tlsa.tlsa.at[1] = (struct tlsa){2, 0, 2, 1, {0xff}};
    (void)snprintf(tlsa.tlsa.base, DNS_NAME, "base.test");
    (void)snprintf(k.name, DNS_NAME, "mx.b.test");
    at = (struct candidate){.at.port = 25, .by = &f.hosts.at[0]};
    (void)snprintf(at.name, DNS_NAME, "mx.b.test");
    return k;
}

static void assert_told(const struct known *k, const char *domain, const char *text)
{
    struct published p;

    published_tell(&f, k, &at, "rcpt.test", &p);
    assert_string_equal(p.domain, domain);
    assert_string_equal(p.text, text);
}

static void which_applies(void **state)
{
    struct known k = known();

    (void)state;
    assert_told(&k, "base.test", "3 1 1 0FA0; 2 0 2 FF");
    k.port = 0; /* there were none to ask for */
    assert_told(&k, "b.test",
                "version: STSv1; mode: enforce; mx: mx.b.test; mx: *.b.test; max_age: 86400");
    policy.sts.mode = STS_TESTING;
    policy.count = 0;
    assert_told(&k, "b.test", "version: STSv1; mode: testing; max_age: 86400");
    f.look[0].policy = NULL;
    assert_told(&k, "b.test", "no-policy-found");
    at.by = NULL; /* the mail server chose it */
    assert_told(&k, "rcpt.test", "no-policy-found");
}

static void what_cannot_be_had(void **state)
{
    struct known k = known();
    struct published p;

    (void)state;
    tlsa.tlsa.state = TLSA_UNUSABLE; /* stands in for nothing (RFC 7672, 2.2) */
    assert_told(&k, "b.test",
                "version: STSv1; mode: enforce; mx: mx.b.test; mx: *.b.test; max_age: 86400");
    f.look[0].policy = NULL;
    assert_told(&k, "b.test", "tlsa");
    k.failed = true;
    assert_told(&k, "b.test", "tlsa");
    k.port = 0;
    f.look[0].trouble = STS_FETCH_ERROR;
    assert_told(&k, "b.test", "sts");
    published_tell(&f, &k, &at, "", &p);
    assert_int_equal(p.trouble, STS_FETCH_ERROR);
}

/* What does not fit goes record by record; max_age stays. */
static void long_ones_are_cut_whole(void **state)
{
    struct known k = known();
    struct published p;

    (void)state;
    for (tlsa.count = 0; tlsa.count < TLSA_MOST; tlsa.count++)
        tlsa.tlsa.at[tlsa.count] = (struct tlsa){3, 1, 2, 64, {(uint8_t)tlsa.count}};
    published_tell(&f, &k, &at, "", &p);
    assert_int_equal(strlen(p.text), 7 * (6 + 128) + 6 * 2);
    tlsa.tlsa.at[0].len = TLSA_DATA;
    assert_told(&k, "base.test", "tlsa");

    k.port = 0;
    for (policy.count = 0; policy.count < ANSWER_STS_MX; policy.count++)
        (void)snprintf(policy.sts.mx[policy.count], DNS_NAME, "mx%02u.%0100u.test", policy.count,
                       0U);
    published_tell(&f, &k, &at, "", &p);
    assert_true(strlen(p.text) > 900 && strlen(p.text) < sizeof p.text);
    assert_string_equal(p.text + strlen(p.text) - 22, "0.test; max_age: 86400");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(which_applies),
        cmocka_unit_test(what_cannot_be_had),
        cmocka_unit_test(long_ones_are_cut_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
