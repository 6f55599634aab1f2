/* SPDX-License-Identifier: Apache-2.0 */
#include "net/few.h"

#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>

#include "base/span.h"

/* Of each operation; OpenSSL 3.0 has 24 ciphers, 10 kinds of keys and 6 forms that are wanted. */
enum { MOST = 64 };

/* What OpenSSL has by default. Both are held for good. */
static OSSL_PROVIDER *all;
static OSSL_LIB_CTX *few;

struct ossl_lib_ctx_st *few_context(void)
{
    return few;
}

/* What is left out, by a part of its names: kinds of keys that neither a certificate for TLS nor a
 * handshake has (SM2 would be tried with each certificate that has an EC key), and modes of ciphers
 * that TLS has no suite for. */
static const struct {
    int operation;
    const char *part;
} left_out[] = {
    {OSSL_OP_KEYMGMT, "SM2"},     {OSSL_OP_KEYMGMT, "DHX"},      {OSSL_OP_KEYMGMT, "HKDF"},
    {OSSL_OP_KEYMGMT, "SCRYPT"},  {OSSL_OP_KEYMGMT, "TLS1-PRF"}, {OSSL_OP_KEYMGMT, "CMAC"},
    {OSSL_OP_KEYMGMT, "SIPHASH"}, {OSSL_OP_KEYMGMT, "POLY1305"}, {OSSL_OP_DECODER, "SM2"},
    {OSSL_OP_DECODER, "DH"},      {OSSL_OP_DECODER, "X25519"},   {OSSL_OP_DECODER, "X448"},
    {OSSL_OP_CIPHER, "-ECB"},     {OSSL_OP_CIPHER, "-CFB"},      {OSSL_OP_CIPHER, "-OFB"},
    {OSSL_OP_CIPHER, "-CTR"},     {OSSL_OP_CIPHER, "-CTS"},      {OSSL_OP_CIPHER, "-XTS"},
    {OSSL_OP_CIPHER, "-OCB"},     {OSSL_OP_CIPHER, "-SIV"},      {OSSL_OP_CIPHER, "WRAP"},
};

static bool is_left_out(int operation, const OSSL_ALGORITHM *a)
{
    for (size_t i = 0; i < COUNT_OF(left_out); i++)
        if (left_out[i].operation == operation && strstr(a->algorithm_names, left_out[i].part))
            return true;
    if (operation == OSSL_OP_ENCODER) /* no key is written */
        return true;
    /* A key as certificates have it (RFC 5280, 4.1): none is read in another form here. */
    return operation == OSSL_OP_DECODER &&
           !(strstr(a->property_definition, "input=der") &&
             strstr(a->property_definition, "structure=SubjectPublicKeyInfo"));
}

/* What is offered of an operation, where that is not all: made once, by few_use(), as OpenSSL may
 * ask in any thread. */
static struct {
    int operation;
    const OSSL_ALGORITHM *offered;
    OSSL_ALGORITHM wanted[MOST];
} some[] = {{.operation = OSSL_OP_KEYMGMT},
            {.operation = OSSL_OP_DECODER},
            {.operation = OSSL_OP_CIPHER},
            {.operation = OSSL_OP_ENCODER}};

/* Where more are wanted than there is room for, all are offered. */
static const OSSL_ALGORITHM *choose(int operation, const OSSL_ALGORITHM *from, OSSL_ALGORITHM *to)
{
    size_t count = 0;

    for (const OSSL_ALGORITHM *a = from; a && a->algorithm_names; a++) {
        if (is_left_out(operation, a))
            continue;
        if (count + 1 == MOST)
            return from;
        to[count++] = *a;
    }
    return to; /* the rest is zero, which ends it */
}

static void choose_all(void)
{
    int no_cache;

    for (size_t i = 0; i < COUNT_OF(some); i++)
        some[i].offered = choose(some[i].operation,
                                 OSSL_PROVIDER_query_operation(all, some[i].operation, &no_cache),
                                 some[i].wanted);
}

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    const OSSL_ALGORITHM *theirs = OSSL_PROVIDER_query_operation(all, operation, no_cache);

    (void)provider;
    for (size_t i = 0; i < COUNT_OF(some); i++)
        if (some[i].operation == operation)
            return some[i].offered;
    return theirs;
}

/* Which groups there are for key exchange. */
static int tell_capabilities(void *provider, const char *kind, OSSL_CALLBACK *tell, void *arg)
{
    (void)provider;
    return OSSL_PROVIDER_get_capabilities(all, kind, tell, arg);
}

static int begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
                 const OSSL_DISPATCH **out, void **provider)
{
    static const OSSL_DISPATCH answers[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query},
        {OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (void (*)(void))tell_capabilities},
        {0, NULL}};

    (void)handle;
    (void)core;
    *out = answers;
    *provider = OSSL_PROVIDER_get0_provider_ctx(all); /* the algorithms are made for that one */
    return 1;
}

static int is_default(OSSL_PROVIDER *p, void *arg)
{
    (void)arg;
    return strcmp(OSSL_PROVIDER_get0_name(p), "default") == 0;
}

bool few_fits(unsigned long version)
{
    return version >= 0x30000000 && version < 0x30200000; /* 0xMNN00PP0 */
}

void few_use(void)
{
    if (few || !few_fits(OPENSSL_VERSION_NUMBER) || !few_fits(OpenSSL_version_num()) ||
        EVP_default_properties_is_fips_enabled(NULL) ||
        OSSL_PROVIDER_do_all(NULL, is_default, NULL) != 1)
        return;
    all = OSSL_PROVIDER_load(NULL, "default");
    few = all ? OSSL_LIB_CTX_new() : NULL;
    if (few)
        choose_all();
    if (few && OSSL_PROVIDER_add_builtin(few, "few", begin) == 1 && OSSL_PROVIDER_load(few, "few"))
        return;
    OSSL_LIB_CTX_free(few);
    few = NULL;
}
