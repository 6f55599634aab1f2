/* SPDX-License-Identifier: Apache-2.0
 *
 * OpenSSL with less: what TLS can do is what it can do with all.
 */
#include "net/few.h"

#include <string.h>

#include <openssl/dsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "net/kdf.h"
#include "unit.h"

static X509 *certificate(EVP_PKEY *key)
{
    X509 *made = X509_new();
    X509_NAME *name = X509_get_subject_name(made);
    bool plain = EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448");

    assert_true(
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const void *)"few", -1, -1, 0));
    assert_true(X509_set_version(made, X509_VERSION_3) && X509_set_issuer_name(made, name));
    assert_true(ASN1_INTEGER_set(X509_get_serialNumber(made), 1));
    assert_true(X509_gmtime_adj(X509_getm_notBefore(made), 0));
    assert_true(X509_gmtime_adj(X509_getm_notAfter(made), 3600));
    assert_true(X509_set_pubkey(made, key));
    assert_true(X509_sign(made, key, plain ? NULL : EVP_sha256()));
    return made;
}

/* The same certificate, as a handshake reads it. */
static X509 *read_again(OSSL_LIB_CTX *where, X509 *cert)
{
    unsigned char *der = NULL;
    int len = i2d_X509(cert, &der);
    const unsigned char *at = der;
    X509 *read = X509_new_ex(where, KDF_WANTED);

    assert_non_null(d2i_X509(&read, &at, len));
    OPENSSL_free(der);
    return read;
}

/* What a DSA key is made from. */
static EVP_PKEY *dsa_params(void)
{
    EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_from_name(NULL, "DSA", NULL);
    EVP_PKEY *params = NULL;

    assert_true(EVP_PKEY_paramgen_init(c) == 1 &&
                EVP_PKEY_CTX_set_dsa_paramgen_bits(c, 1024) == 1 &&
                EVP_PKEY_paramgen(c, &params) == 1);
    EVP_PKEY_CTX_free(c);
    return params;
}

static EVP_PKEY *key_of(const char *kind, const char *curve)
{
    EVP_PKEY *params = strcmp(kind, "DSA") == 0 ? dsa_params() : NULL, *key = NULL;
    EVP_PKEY_CTX *c = params ? EVP_PKEY_CTX_new_from_pkey(NULL, params, NULL)
                             : EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);

    assert_true(EVP_PKEY_keygen_init(c) == 1);
    if (*curve)
        assert_true(EVP_PKEY_CTX_set_group_name(c, curve) == 1);
    assert_true(EVP_PKEY_generate(c, &key) == 1);
    EVP_PKEY_CTX_free(c);
    EVP_PKEY_free(params);
    return key;
}

static void certificates_of_each_kind_are_read(void **state)
{
    static const struct {
        const char *name, *kind, *curve;
    } rows[] = {
        {"RSA", "RSA", ""},         {"RSA-PSS", "RSA-PSS", ""},
        {"P-256", "EC", "P-256"},   {"P-384", "EC", "P-384"},
        {"P-521", "EC", "P-521"},   {"brainpool", "EC", "brainpoolP256r1"},
        {"Ed25519", "ED25519", ""}, {"Ed448", "ED448", ""},
        {"DSA", "DSA", ""},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        EVP_PKEY *key = key_of(rows[i].kind, rows[i].curve);
        X509 *made = certificate(key), *cert = read_again(few_context(), made);
        EVP_PKEY *public = X509_get0_pubkey(cert);

        assert_row(public, rows[i].name);
        assert_row(EVP_PKEY_eq(public, key) == 1, rows[i].name);
        assert_row(X509_verify(cert, public) == 1, rows[i].name);
        assert_row(X509_verify(cert, key) == 1, rows[i].name);
        X509_free(cert);
        X509_free(made);
        EVP_PKEY_free(key);
    }
}

static SSL *client(OSSL_LIB_CTX *where)
{
    SSL_CTX *c = SSL_CTX_new_ex(where, KDF_WANTED, TLS_client_method());

    SSL_CTX_set_security_level(c, 0);
    assert_true(SSL_CTX_set_min_proto_version(c, TLS1_VERSION));
    assert_true(SSL_CTX_set_cipher_list(c, "ALL:COMPLEMENTOFALL"));

    SSL *s = SSL_new(c);

    SSL_CTX_free(c);
    return s;
}

static void ciphers_are_the_same(void **state)
{
    SSL *few = client(few_context()), *full = client(NULL);
    STACK_OF(SSL_CIPHER) *a = SSL_get1_supported_ciphers(few),
                         *b = SSL_get1_supported_ciphers(full);

    (void)state;
    assert_in_range(sk_SSL_CIPHER_num(b), 50, 500);
    assert_int_equal(sk_SSL_CIPHER_num(b), sk_SSL_CIPHER_num(a));
    for (int i = 0; i < sk_SSL_CIPHER_num(a); i++)
        assert_string_equal(SSL_CIPHER_get_name(sk_SSL_CIPHER_value(b, i)),
                            SSL_CIPHER_get_name(sk_SSL_CIPHER_value(a, i)));
    sk_SSL_CIPHER_free(a);
    sk_SSL_CIPHER_free(b);
    SSL_free(few);
    SSL_free(full);
}

/* Hands on what one says until neither says more. */
static bool shake(SSL *calls, SSL *called)
{
    for (int i = 0; i < 20; i++)
        if (SSL_do_handshake(calls) == 1 && SSL_do_handshake(called) == 1)
            return true;
        else
            (void)SSL_do_handshake(called);
    return false;
}

struct way {
    const char *name, *kind, *curve, *cipher, *group;
    int version;
};

/* A handshake, and a few bytes, with the one that calls from `where`. */
static bool meets(OSSL_LIB_CTX *where, const struct way *w, EVP_PKEY *key)
{
    SSL_CTX *server = SSL_CTX_new(TLS_server_method());
    X509 *cert = certificate(key);
    SSL *calls = client(where), *called;
    BIO *here, *there;
    char heard[6] = "";

    SSL_CTX_set_security_level(server, 0);
    assert_true(SSL_CTX_set_cipher_list(server, "ALL:COMPLEMENTOFALL"));
    assert_true(SSL_CTX_use_certificate(server, cert) == 1 &&
                SSL_CTX_use_PrivateKey(server, key) == 1);
    SSL_CTX_set_dh_auto(server, 1);
    called = SSL_new(server);
    assert_true(SSL_set_min_proto_version(calls, w->version) &&
                SSL_set_max_proto_version(calls, w->version) &&
                SSL_set_min_proto_version(called, TLS1_VERSION));
    if (w->version == TLS1_3_VERSION)
        assert_true(SSL_set_ciphersuites(calls, w->cipher) &&
                    SSL_set_ciphersuites(called, w->cipher));
    else
        assert_true(SSL_set_cipher_list(calls, w->cipher));
    assert_row(SSL_set1_groups_list(calls, w->group) == 1, w->name);
    assert_row(SSL_set1_groups_list(called, w->group) == 1, w->name);
    assert_true(BIO_new_bio_pair(&here, 0, &there, 0));
    SSL_set_bio(calls, here, here);
    SSL_set_bio(called, there, there);
    SSL_set_connect_state(calls);
    SSL_set_accept_state(called);

    bool met = shake(calls, called) && SSL_write(calls, "hello", 5) == 5 &&
               SSL_read(called, heard, 5) == 5 && !strcmp(heard, "hello") &&
               SSL_write(called, "there", 5) == 5 && SSL_read(calls, heard, 5) == 5 &&
               !strcmp(heard, "there");

    SSL_free(calls);
    SSL_free(called);
    SSL_CTX_free(server);
    X509_free(cert);
    return met;
}

static void whoever_is_met_with_all_is_met(void **state)
{
    static const struct way ways[] = {
        {"1.3", "EC", "P-256", "TLS_AES_128_GCM_SHA256", "X25519", TLS1_3_VERSION},
        {"1.3, 256", "RSA", "", "TLS_AES_256_GCM_SHA384", "P-256", TLS1_3_VERSION},
        {"1.3, ChaCha20", "ED25519", "", "TLS_CHACHA20_POLY1305_SHA256", "X448", TLS1_3_VERSION},
        {"1.3, CCM", "RSA-PSS", "", "TLS_AES_128_CCM_SHA256", "P-384", TLS1_3_VERSION},
        {"1.3, CCM-8", "ED448", "", "TLS_AES_128_CCM_8_SHA256", "P-521", TLS1_3_VERSION},
        {"1.3, finite field", "EC", "P-521", "TLS_AES_128_GCM_SHA256", "ffdhe2048", TLS1_3_VERSION},
        {"1.2", "EC", "P-384", "ECDHE-ECDSA-AES128-GCM-SHA256", "X25519:P-384", TLS1_2_VERSION},
        {"1.2, DHE", "RSA", "", "DHE-RSA-AES256-GCM-SHA384", "P-256", TLS1_2_VERSION},
        {"1.2, RSA", "RSA", "", "AES128-GCM-SHA256", "P-256", TLS1_2_VERSION},
        {"1.2, CBC", "RSA", "", "ECDHE-RSA-AES128-SHA256", "P-256", TLS1_2_VERSION},
        {"1.2, CBC, SHA-1", "RSA", "", "ECDHE-RSA-AES256-SHA", "P-256", TLS1_2_VERSION},
        {"1.2, ChaCha20", "RSA", "", "ECDHE-RSA-CHACHA20-POLY1305", "P-256", TLS1_2_VERSION},
        {"1.2, CCM", "EC", "P-256", "ECDHE-ECDSA-AES128-CCM", "P-256", TLS1_2_VERSION},
        {"1.2, Camellia", "RSA", "", "ECDHE-RSA-CAMELLIA128-SHA256", "P-256", TLS1_2_VERSION},
        {"1.2, ARIA", "RSA", "", "ECDHE-ARIA128-GCM-SHA256", "P-256", TLS1_2_VERSION},
        {"1.2, none", "RSA", "", "ECDHE-RSA-NULL-SHA", "P-256", TLS1_2_VERSION},
        {"1.2, DSA", "DSA", "", "DHE-DSS-AES128-SHA256", "P-256", TLS1_2_VERSION},
        {"1.0", "RSA", "", "ECDHE-RSA-AES128-SHA", "P-256", TLS1_VERSION},
        {"1.0, ECDSA", "EC", "P-256", "ECDHE-ECDSA-AES256-SHA", "P-256", TLS1_VERSION},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        EVP_PKEY *key = key_of(ways[i].kind, ways[i].curve);

        assert_row(meets(NULL, &ways[i], key), ways[i].name);
        assert_row(meets(few_context(), &ways[i], key), ways[i].name);
        EVP_PKEY_free(key);
    }
}

static void it_is_less(void **state)
{
    EVP_CIPHER *none = EVP_CIPHER_fetch(few_context(), "AES-128-XTS", NULL);
    EVP_KEYMGMT *sm2 = EVP_KEYMGMT_fetch(few_context(), "SM2", NULL);

    (void)state;
    assert_non_null(few_context());
    assert_null(none);
    assert_null(sm2);
}

static void only_where_nothing_else_is_configured(void **state)
{
    OSSL_PROVIDER *usual = OSSL_PROVIDER_load(NULL, "default"),
                  *other = OSSL_PROVIDER_load(NULL, "null");

    (void)state;
    few_use();
    assert_null(few_context());
    OSSL_PROVIDER_unload(other);
    assert_true(EVP_default_properties_enable_fips(NULL, 1));
    few_use();
    assert_null(few_context());
    assert_true(EVP_default_properties_enable_fips(NULL, 0));
    few_use();
    assert_non_null(few_context());
    OSSL_PROVIDER_unload(usual);
}

static void only_where_it_is_of_use(void **state)
{
    (void)state;
    assert_true(few_fits(0x300000d0));
    assert_true(few_fits(0x30100080));
    assert_false(few_fits(0x30200000));
    assert_false(few_fits(0x30500040));
    assert_false(few_fits(0x40000000));
    assert_false(few_fits(0x1010117f));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_where_it_is_of_use),
        cmocka_unit_test(only_where_nothing_else_is_configured),
        cmocka_unit_test(it_is_less),
        cmocka_unit_test(certificates_of_each_kind_are_read),
        cmocka_unit_test(ciphers_are_the_same),
        cmocka_unit_test(whoever_is_met_with_all_is_met),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
