/* SPDX-License-Identifier: Apache-2.0
 *
 * Which names of ciphers, suites and groups are taken, and what is said of the others.
 */
#include "net/ciphers.h"

#include <openssl/ssl.h>

#include "unit.h"

typedef bool known_fn(const char *list, char *why, size_t size);

static const struct {
    known_fn *known;
    const char *list, *unknown; /* "": all are known */
} cases[] = {
    {ciphers_are_known, NULL, ""},
    {ciphers_are_known, "", ""},
    {ciphers_are_known, "HIGH:!aNULL:!MD5", ""},
    {ciphers_are_known, "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:@STRENGTH", ""},
    {ciphers_are_known, "DEFAULT@SECLEVEL=1", ""},
    {ciphers_are_known, "DEFAULT:@SECLEVEL=0:-SHA:+AES", ""},
    {ciphers_are_known, "ECDHE-RSA-AES128-GCM-SHA256, ECDHE-ECDSA-AES128-GCM-SHA256", ""},
    {ciphers_are_known, "HIGH:!RC4:!3DES:!EXPORT:!SSLv2:-IDEA", ""},
    {ciphers_are_known, "HIGH:NONESUCH", "NONESUCH"},
    {ciphers_are_known, "NONESUCH:HIGH", "NONESUCH"},
    {ciphers_are_known, "HIGH:!aNUL", "!aNUL"},
    {ciphers_are_known, "HIGH:IDEA", "IDEA"},
    {ciphers_are_known, "PROFILE=SYSTEM", "PROFILE=SYSTEM"},
    {suites_are_known, "", ""},
    {suites_are_known, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256", ""},
    {suites_are_known, "TLS_AES_256_GCM_SHA384:TLS_AES_512", "TLS_AES_512"},
    {suites_are_known, "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {groups_are_known, "", ""},
    {groups_are_known, "X25519:P-256:secp384r1:prime256v1", ""},
    {groups_are_known, "X25519:P-255", "P-255"},
    {groups_are_known, "X25519,P-256", "X25519,P-256"},
};

static void names(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char why[256] = "", start[64];
        bool known = cases[i].known(cases[i].list, why, sizeof why);

        assert_row(known == !*cases[i].unknown, cases[i].list);
        snprintf(start, sizeof start, "'%s' is unknown; ", cases[i].unknown);
        assert_row(known ? !*why : !strncmp(why, start, strlen(start)), why);
    }
}

/* Nothing is written past `why`, and no name is too long. */
static void long_name(void **state)
{
    char list[4000], why[40];

    (void)state;
    memset(list, 'A', sizeof list);
    list[sizeof list - 1] = '\0';
    assert_false(ciphers_are_known(list, why, sizeof why));
    assert_false(suites_are_known(list, why, sizeof why));
    assert_false(groups_are_known(list, why, sizeof why));
    assert_int_equal(sizeof why - 1, strlen(why));
}

static void nothing_left(void **state)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    char why[256] = "";

    (void)state;
    assert_false(ciphers_use(ctx, "HIGH:!ALL", "", "", why, sizeof why));
    assert_non_null(strstr(why, "'HIGH:!ALL' leaves no cipher"));
    assert_true(ciphers_use(ctx, "HIGH", NULL, NULL, why, sizeof why));
    SSL_CTX_free(ctx);
}

static const char *suite(const SSL_CTX *ctx, int i)
{
    return SSL_CIPHER_get_name(sk_SSL_CIPHER_value(SSL_CTX_get_ciphers(ctx), i));
}

/* What the system leaves out stays out, and what an administrator says comes as he says it. */
static void short_keys_first(void **state)
{
    static const struct {
        const char *system, *ours, *first, *second;
    } rows[] = {
        {"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256", "",
         "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"},
        {"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384", NULL, "TLS_AES_128_GCM_SHA256",
         "TLS_AES_256_GCM_SHA384"},
        {"TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256", "", "TLS_AES_256_GCM_SHA384",
         "TLS_CHACHA20_POLY1305_SHA256"},
        {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256",
         "TLS_AES_256_GCM_SHA384", "TLS_AES_128_GCM_SHA256"},
    };
    char why[256] = "";

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

        assert_int_equal(1, SSL_CTX_set_ciphersuites(ctx, rows[i].system));
        assert_true(ciphers_use(ctx, NULL, rows[i].ours, NULL, why, sizeof why));
        assert_string_equal(rows[i].first, suite(ctx, 0));
        assert_string_equal(rows[i].second, suite(ctx, 1));
        SSL_CTX_free(ctx);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(long_name),
        cmocka_unit_test(nothing_left),
        cmocka_unit_test(short_keys_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
