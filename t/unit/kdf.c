/* SPDX-License-Identifier: Apache-2.0
 *
 * The key schedule: each key is OpenSSL's own.
 */
#include "net/kdf.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>
#include <openssl/rand.h>

#include "unit.h"

enum { KEY_MAX = 600 };

static const struct {
    const char *name, *digest;
    int mode;
    size_t key, salt, data, len; /* bytes; 0: there is none */
    const char *label;
    bool fails;
} cases[] = {
    {"a key", "SHA2-256", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 32, 0, 0, 16, "key", false},
    {"its IV", "SHA2-256", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 32, 0, 0, 12, "iv", false},
    {"a secret", "SHA2-256", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 32, 0, 32, 32, "c hs traffic", false},
    {"another name", "SHA256", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 32, 0, 32, 32, "s ap traffic", false},
    {"its number", "2.16.840.1.101.3.4.2.1", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 32, 0, 32, 32, "a",
     false},
    {"SHA-384", "SHA2-384", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 48, 0, 48, 48, "s hs traffic", false},
    {"its key", "SHA384", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 48, 0, 0, 32, "key", false},
    {"two blocks", "SHA256", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 32, 0, 32, 33, "exporter", false},
    {"many", "SHA256", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 32, 0, 200, 500, "exporter", false},
    {"many of 48", "SHA384", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 48, 0, 200, 500, "exporter", false},
    {"no label", "SHA256", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 32, 0, 32, 32, "", false},
    {"the first secret", "SHA256", EVP_KDF_HKDF_MODE_EXTRACT_ONLY, 0, 0, 0, 32, "derived", false},
    {"from a PSK", "SHA256", EVP_KDF_HKDF_MODE_EXTRACT_ONLY, 32, 0, 0, 32, "derived", false},
    {"the next", "SHA256", EVP_KDF_HKDF_MODE_EXTRACT_ONLY, 32, 32, 0, 32, "derived", false},
    {"P-521", "SHA384", EVP_KDF_HKDF_MODE_EXTRACT_ONLY, 66, 48, 0, 48, "derived", false},
    {"ffdhe4096", "SHA384", EVP_KDF_HKDF_MODE_EXTRACT_ONLY, 512, 48, 0, 48, "derived", false},
    {"the last", "SHA384", EVP_KDF_HKDF_MODE_EXTRACT_ONLY, 0, 48, 0, 48, "derived", false},
    {"no digest of TLS 1.3", "SHA1", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 20, 0, 20, 20, "key", true},
    {"unknown", "SHA-0", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 32, 0, 0, 16, "key", true},
    {"no digest", NULL, EVP_KDF_HKDF_MODE_EXPAND_ONLY, 32, 0, 0, 16, "key", true},
    {"no key", "SHA256", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 0, 0, 0, 16, "key", true},
    {"a key too long", "SHA256", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 65, 0, 0, 16, "key", true},
    {"data too long", "SHA256", EVP_KDF_HKDF_MODE_EXPAND_ONLY, 32, 0, 256, 16, "key", true},
    {"another length", "SHA256", EVP_KDF_HKDF_MODE_EXTRACT_ONLY, 32, 0, 0, 31, "derived", true},
    {"both at once", "SHA256", EVP_KDF_HKDF_MODE_EXTRACT_AND_EXPAND, 32, 32, 0, 32, "key", true},
};

static int derive(const char *wanted, size_t i, const unsigned char *bytes, unsigned char *out)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, wanted);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    int mode = cases[i].mode;
    OSSL_PARAM params[8], *p = params;
    unsigned char *at = (unsigned char *)bytes;

    *p++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
    if (cases[i].digest)
        *p++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)cases[i].digest, 0);
    if (cases[i].key)
        *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, at, cases[i].key);
    if (cases[i].salt)
        *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, at + 7, cases[i].salt);
    if (cases[i].data)
        *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_DATA, at + 13, cases[i].data);
    *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6);
    *p++ = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (char *)cases[i].label,
                                             strlen(cases[i].label));
    *p = OSSL_PARAM_construct_end();

    int got = EVP_KDF_derive(context, out, cases[i].len, params);

    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return got;
}

static void each_key_is_that_of_openssl(void **state)
{
    unsigned char bytes[KEY_MAX], ours[KEY_MAX], theirs[KEY_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (int again = 0; again < 20; again++) {
            assert_int_equal(1, RAND_bytes(bytes, sizeof bytes));
            memset(ours, 1, sizeof ours);
            memset(theirs, 1, sizeof theirs);

            int got = derive(KDF_WANTED, i, bytes, ours);

            assert_row(got == (cases[i].fails ? 0 : 1), cases[i].name);
            if (cases[i].fails)
                continue;
            assert_row(derive("provider=default", i, bytes, theirs) == 1, cases[i].name);
            assert_row(memcmp(ours, theirs, sizeof ours) == 0, cases[i].name);
        }
}

/* RFC 8448, 3: the secret that a handshake without a PSK begins with. */
static void the_first_secret_is_that_of_the_rfc(void **state)
{
    static const unsigned char early[] = {0x33, 0xad, 0x0a, 0x1c, 0x60, 0x7e, 0xc0, 0x3b,
                                          0x09, 0xe6, 0xcd, 0x98, 0x93, 0x68, 0x0c, 0xe2,
                                          0x10, 0xad, 0xf3, 0x00, 0xaa, 0x1f, 0x26, 0x60,
                                          0xe1, 0xb2, 0x2e, 0x10, 0xf1, 0x70, 0xf9, 0x2a};
    unsigned char out[KEY_MAX] = {0};
    size_t i = 0;

    (void)state;
    while (strcmp(cases[i].name, "the first secret") != 0)
        i++;
    assert_int_equal(1, derive(KDF_WANTED, i, out, out));
    assert_memory_equal(early, out, sizeof early);
}

static const char *whose(const char *wanted)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, wanted);
    const char *name = kdf ? OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf)) : "nobody";

    EVP_KDF_free(kdf);
    return name;
}

/* Ours where it is wished for; where a promise is demanded that we do not make, it is not. */
static void who_is_asked(void **state)
{
    (void)state;
    assert_string_equal("sallyport", whose(KDF_WANTED));
    assert_string_equal("default", whose(NULL));
    assert_string_equal("nobody", whose("fips=yes," KDF_WANTED));
}

/* A parameter that might change the result. */
static void what_is_not_known_fails(void **state)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_3_KDF, KDF_WANTED);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
    unsigned char key[32] = {0}, out[16];
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, sizeof key),
        OSSL_PARAM_construct_end(),
        OSSL_PARAM_construct_end(),
    };

    (void)state;
    assert_int_equal(1, EVP_KDF_derive(context, out, sizeof out, params));
    params[3] = OSSL_PARAM_construct_octet_string("another", key, sizeof key);
    assert_int_equal(0, EVP_KDF_derive(context, out, sizeof out, params));
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
}

static void another_openssl_has_its_own(void **state)
{
    static const struct {
        const char *name;
        unsigned long built, here;
        bool fits;
    } rows[] = {
        {"the same", 0x300000d0, 0x300000d0, true},
        {"a later patch", 0x300000d0, 0x30000160, true},
        {"an earlier one", 0x30000160, 0x300000d0, true},
        {"a later minor", 0x30000160, 0x30500000, false},
        {"an earlier minor", 0x30500000, 0x30000160, false},
        {"the next major", 0x30000160, 0x40000000, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++)
        assert_row(kdf_fits(rows[i].built, rows[i].here) == rows[i].fits, rows[i].name);
    assert_true(kdf_fits(OPENSSL_VERSION_NUMBER, OpenSSL_version_num()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_is_that_of_openssl),
        cmocka_unit_test(the_first_secret_is_that_of_the_rfc),
        cmocka_unit_test(who_is_asked),
        cmocka_unit_test(what_is_not_known_fails),
        cmocka_unit_test(another_openssl_has_its_own),
    };

    kdf_use();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
