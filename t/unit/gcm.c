/* SPDX-License-Identifier: Apache-2.0
 *
 * AES-GCM of ours: it is OpenSSL's own, but for the length of the IV.
 */
#include "net/gcm.h"

#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "net/kdf.h"
#include "unit.h"

enum { IV = 12, TAG = 16, TEXT = 100 };

static const char *const kinds[] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"};
static const unsigned char key[32] = "a key of 32 bytes, or less", iv[16] = "an IV of some";

static EVP_CIPHER *found(const char *kind, const char *wanted, const char *by)
{
    EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, kind, wanted);

    assert_non_null(c);
    assert_string_equal(OSSL_PROVIDER_get0_name(EVP_CIPHER_get0_provider(c)), by);
    return c;
}

/* As libssl does a record: the context first, then an IV for it. False: it was refused. */
static bool run(const EVP_CIPHER *c, bool seals, const unsigned char *in, unsigned char *out,
                unsigned char tag[TAG])
{
    EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();
    int len, more, tag_is = seals ? EVP_CTRL_AEAD_GET_TAG : EVP_CTRL_AEAD_SET_TAG;
    bool well = EVP_CipherInit_ex(x, c, NULL, NULL, NULL, seals) > 0 &&
                EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_IVLEN, IV, NULL) > 0 &&
                EVP_CipherInit_ex(x, NULL, NULL, key, NULL, -1) > 0;

    assert_int_equal(EVP_CIPHER_CTX_get_iv_length(x), IV);
    assert_int_equal(EVP_CIPHER_CTX_get_key_length(x), EVP_CIPHER_get_key_length(c));
    well = well && EVP_CipherInit_ex(x, NULL, NULL, NULL, iv, seals) > 0 &&
           (seals || EVP_CIPHER_CTX_ctrl(x, tag_is, TAG, tag) > 0) &&
           EVP_CipherUpdate(x, NULL, &len, (const unsigned char *)"head", 4) > 0 &&
           EVP_CipherUpdate(x, out, &len, in, TEXT) > 0 &&
           EVP_CipherFinal_ex(x, out + len, &more) > 0 && len + more == TEXT &&
           (!seals || EVP_CIPHER_CTX_ctrl(x, tag_is, TAG, tag) > 0);
    EVP_CIPHER_CTX_free(x);
    return well;
}

static void each_record_is_theirs(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        EVP_CIPHER *ours = found(kinds[i], KDF_WANTED, "sallyport");
        EVP_CIPHER *theirs = found(kinds[i], NULL, "default");
        unsigned char text[TEXT] = "what is said", sealed[2][TEXT], opened[TEXT], tag[2][TAG];

        assert_int_equal(EVP_CIPHER_get_nid(ours), EVP_CIPHER_get_nid(theirs));
        assert_int_equal(EVP_CIPHER_get_flags(ours), EVP_CIPHER_get_flags(theirs));
        assert_true(run(ours, true, text, sealed[0], tag[0]) &&
                    run(theirs, true, text, sealed[1], tag[1]));
        assert_memory_equal(sealed[0], sealed[1], TEXT);
        assert_memory_equal(tag[0], tag[1], TAG);
        assert_true(run(ours, false, sealed[1], opened, tag[1]));
        assert_memory_equal(opened, text, TEXT);
        tag[1][0] ^= 1;
        assert_false(run(ours, false, sealed[1], opened, tag[1]));
        tag[1][0] ^= 1;
        sealed[1][TEXT - 1] ^= 1;
        assert_false(run(ours, false, sealed[1], opened, tag[1]));
        EVP_CIPHER_free(ours);
        EVP_CIPHER_free(theirs);
    }
}

/* Its answer would not be true. */
static void another_length_is_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        EVP_CIPHER *ours = found(kinds[i], KDF_WANTED, "sallyport");
        EVP_CIPHER_CTX *x = EVP_CIPHER_CTX_new();

        assert_true(EVP_EncryptInit_ex(x, ours, NULL, key, NULL) > 0);
        assert_false(EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_IVLEN, IV - 1, NULL) > 0);
        assert_false(EVP_CIPHER_CTX_ctrl(x, EVP_CTRL_AEAD_SET_IVLEN, IV + 4, NULL) > 0);
        assert_int_equal(EVP_CIPHER_CTX_get_iv_length(x), IV);
        EVP_CIPHER_CTX_free(x);
        EVP_CIPHER_free(ours);
    }
}

static int one(void)
{
    return 1;
}

static int another(void)
{
    return 1;
}

static const OSSL_DISPATCH ones[] = {{OSSL_FUNC_CIPHER_GET_CTX_PARAMS, (void (*)(void))one},
                                     {OSSL_FUNC_CIPHER_SET_CTX_PARAMS, (void (*)(void))one},
                                     {0, NULL}};
static const OSSL_DISPATCH gets_otherwise[] = {
    {OSSL_FUNC_CIPHER_GET_CTX_PARAMS, (void (*)(void))another},
    {OSSL_FUNC_CIPHER_SET_CTX_PARAMS, (void (*)(void))one},
    {0, NULL}};
static const OSSL_DISPATCH sets_otherwise[] = {
    {OSSL_FUNC_CIPHER_GET_CTX_PARAMS, (void (*)(void))one},
    {OSSL_FUNC_CIPHER_SET_CTX_PARAMS, (void (*)(void))another},
    {0, NULL}};
static const OSSL_DISPATCH says_nothing[] = {{OSSL_FUNC_CIPHER_SET_CTX_PARAMS, (void (*)(void))one},
                                             {0, NULL}};

#define KIND(bits, functions)                                     \
    {                                                             \
        "AES-" bits "-GCM:x", "provider=default", functions, NULL \
    }

/* clang-format off */
static const struct {
    const char *name;
    OSSL_ALGORITHM theirs[6];
    bool offered;
} lists[] = {
    {"as it is", {KIND("128", ones), {"AES-128-CBC", "", ones, NULL}, KIND("192", ones), KIND("256", ones)}, true},
    {"none", {{"AES-128-CBC", "", ones, NULL}}, false},
    {"one is missing", {KIND("128", ones), KIND("256", ones)}, false},
    {"one more", {KIND("128", ones), KIND("192", ones), KIND("256", ones), KIND("512", ones)}, false},
    {"one is asked otherwise", {KIND("128", ones), KIND("192", ones), KIND("256", gets_otherwise)}, false},
    {"one is told otherwise", {KIND("128", ones), KIND("192", sets_otherwise), KIND("256", ones)}, false},
    {"none can be asked", {KIND("128", says_nothing), KIND("192", says_nothing), KIND("256", says_nothing)}, false},
};
/* clang-format on */

/* Else OpenSSL's own are taken. Before it is in use: there is one for a process. */
static void only_where_it_is_known(void **state)
{
    (void)state;
    assert_null(gcm_offer(NULL));
    for (size_t i = 0; i < COUNT_OF(lists); i++)
        assert_row((gcm_offer(lists[i].theirs) != NULL) == lists[i].offered, lists[i].name);
}

static int use(void **state)
{
    (void)state;
    kdf_use();
    return kdf_missing() ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_where_it_is_known),
        cmocka_unit_test_setup(each_record_is_theirs, use),
        cmocka_unit_test(another_length_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
