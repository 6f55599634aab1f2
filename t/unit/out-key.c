/* SPDX-License-Identifier: Apache-2.0
 *
 * Each part of what two messages must have in common makes another key when it is another.
 */
#include "proxy-out/kept/key.h"

#include "unit.h"

/* All that a key comes of, so that a case changes one thing of it. */
struct all {
    struct candidate to;
    struct addr from;
    bool has_from;
    const char *ehlo_name, *policy;
    struct domain rule;
    struct demand demand;
    struct tlsa tlsa[2];
    struct dane dane;
    const struct tls *tls;
};

static const char *const lists[][2] = {{"aa", "bb"}, {"aa", "cc"}, {"aabb", ""}};
static const struct cert_file ours[] = {{"/a.pem", ""}, {"/b.pem", ""}};

static void begin(struct all *a)
{
    *a = (struct all){.to = {.name = "mx.test", .at = {.ip = {1}, .port = 25}},
                      .ehlo_name = "us",
                      .policy = "1",
                      .demand = {.level = DEMAND_ENCRYPT,
                                 .must = PART_VERIFY | PART_DANE,
                                 .verify = DOMAIN_VERIFY_FINGERPRINT},
                      .tlsa = {{3, 1, 1, 2, {1, 2}}, {3, 1, 1, 2, {3, 4}}},
                      .dane = {.count = 1, .base = "mx.test", .domain = "test"},
                      .tls = (const struct tls *)lists};
    a->dane.at = a->tlsa;
    option_defaults(domain_options, &a->rule);
    a->rule.smtp_tls_fingerprints = (struct texts){lists[0], 2};
    a->rule.smtp_client_certificate = (struct cert_files){ours, 1};
}

static void make(const struct all *a, char key[UPSTREAM_KEY])
{
    struct dane dane = a->dane;

    dane.at = a->tlsa;
    key_make(key, &(struct key_of){.to = &a->to,
                                   .from = a->has_from ? &a->from : NULL,
                                   .ehlo_name = a->ehlo_name,
                                   .rule = &a->rule,
                                   .demand = &a->demand,
                                   .dane = &dane,
                                   .policy = a->policy,
                                   .tls = a->tls});
}

#define CHANGE(name, how)           \
    static void name(struct all *a) \
    {                               \
        a->how;                     \
    }

/* clang-format off */
#define CHANGES(C)                                                            \
    C(address, to.at.ip[15] = 9)                                              \
    C(port, to.at.port = 26)                                                  \
    C(server_name, to.name[0] = 'n')                                          \
    C(source_address, has_from = true)                                        \
    C(ehlo_name, ehlo_name = "we")                                            \
    C(context, tls = NULL)                                                    \
    C(ca_file, rule.smtp_tls_ca_file = "/ca.pem")                             \
    C(client_certificate, rule.smtp_client_certificate.at = &ours[1])         \
    C(no_client_certificate, rule.smtp_client_certificate.count = 0)          \
    C(ciphers, rule.smtp_tls_ciphers = "HIGH")                                \
    C(oldest_protocol, rule.smtp_tls_min_protocol = TLS_1_3)                  \
    C(implicit, rule.smtp_implicit_tls = true)                                \
    C(proven_name, rule.smtp_tls_name = "other.test")                         \
    C(login, rule.auth_username = "joe")                                      \
    C(password, rule.auth_password = "secret")                                \
    C(login_in_clear, rule.use_unencrypted_plain_auth = true)                 \
    C(fingerprints, rule.smtp_tls_fingerprints.at = lists[1])                 \
    C(fewer_fingerprints, rule.smtp_tls_fingerprints.count = 1)               \
    C(joined_fingerprints, rule.smtp_tls_fingerprints.at = lists[2])          \
    C(level, demand.level = DEMAND_MAY)                                       \
    C(parts, demand.must = PART_VERIFY | PART_DANE | PART_STS)                \
    C(fewer_parts, demand.must = PART_VERIFY)                                 \
    C(notes, demand.notes = PART_STS)                                         \
    C(how_verified, demand.verify = DOMAIN_VERIFY_CA)                         \
    C(verified_by_name, demand.verify = DOMAIN_VERIFY_NAME)                   \
    C(unlisted, demand.sts_unlisted = true)                                   \
    C(required, demand.dane_required = true)                                  \
    C(behind, demand.sts_behind = true)                                       \
    C(tlsa_data, tlsa[0].data[1] = 9)                                         \
    C(tlsa_usage, tlsa[0].usage = 2)                                          \
    C(tlsa_count, dane.count = 2)                                             \
    C(tlsa_base, dane.base = "alias.test")                                    \
    C(tlsa_domain, dane.domain = "")                                          \
    C(policy, policy = "2")
/* clang-format on */

CHANGES(CHANGE)

static const struct {
    const char *name;
    void (*change)(struct all *a);
} cases[] = {
#define ROW(name, how) {#name, name},
    CHANGES(ROW)
#undef ROW
};

static void each_part_counts(void **state)
{
    char first[UPSTREAM_KEY], again[UPSTREAM_KEY], key[COUNT_OF(cases)][UPSTREAM_KEY];
    struct all a;

    (void)state;
    begin(&a);
    make(&a, first);
    make(&a, again);
    assert_int_equal(strlen(first), UPSTREAM_KEY - 1);
    assert_string_equal(first, again);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin(&a);
        cases[i].change(&a);
        make(&a, key[i]);
        assert_row(strcmp(key[i], first) != 0, cases[i].name);
        for (size_t k = 0; k < i; k++)
            assert_row(strcmp(key[i], key[k]) != 0, cases[i].name);
    }
}

/* What does not matter to this message makes no other: fingerprints that are not compared, records
 * that are not demanded, and that TLS broke once. */
static void the_rest_does_not(void **state)
{
    char key[2][UPSTREAM_KEY];
    struct all a;

    (void)state;
    begin(&a);
    a.demand = (struct demand){.level = DEMAND_MAY};
    make(&a, key[0]);
    fingerprints(&a);
    tlsa_data(&a);
    a.demand.broken = FAIL_STALLED;
    make(&a, key[1]);
    assert_string_equal(key[0], key[1]);
}

/* However long the pieces are, and however they fall on what is gathered at a time: each of their
 * bytes counts. */
static void long_ones(void **state)
{
    static char text[3000];
    char first[UPSTREAM_KEY], other[UPSTREAM_KEY];
    struct all a;

    (void)state;
    begin(&a);
    a.policy = text;
    for (size_t len = 0; len < sizeof text; len += 487) {
        memset(text, 'x', sizeof text);
        text[len] = '\0';
        make(&a, first);
        for (size_t at = 0; at < len; at++) {
            text[at] = 'y';
            make(&a, other);
            assert_true(strcmp(first, other) != 0);
            text[at] = 'x';
        }
        make(&a, other);
        assert_string_equal(first, other);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_part_counts),
        cmocka_unit_test(the_rest_does_not),
        cmocka_unit_test(long_ones),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
