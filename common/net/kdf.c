/* SPDX-License-Identifier: Apache-2.0 */
#include "net/kdf.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/provider.h>

#include "base/span.h"
#include "net/few.h"
#include "net/gcm.h"

/* Bytes. LENGTH_MAX: what is written in one byte says no more (RFC 8446, 7.1; RFC 5869, 2.3). */
enum { BLOCK_MAX = 128, HASH_MAX = 48, LENGTH_MAX = 255 };

/* A digest, found once. */
struct hash {
    const char *fetched; /* the name to find it by */
    EVP_MD *md;
    EVP_MD_CTX *context; /* for all that is hashed: between two uses it holds no secret */
    size_t size, block;
    unsigned char of_nothing[HASH_MAX];
};

static struct hash hashes[] = {{.fetched = "SHA256"}, {.fetched = "SHA384"}};

/* What is to be derived. */
struct order {
    int mode;
    const struct hash *hash;
    struct span key, salt, prefix, label, data;
};

static struct span bytes(const unsigned char *at, size_t len)
{
    return (struct span){(const char *)at, len};
}

static bool hash_all(const struct hash *h, const unsigned char *pad, const struct span *parts,
                     size_t count, unsigned char *out)
{
    bool ok = EVP_DigestInit_ex2(h->context, h->md, NULL) == 1 &&
              EVP_DigestUpdate(h->context, pad, h->block) == 1;

    for (size_t i = 0; ok && i < count; i++)
        ok = EVP_DigestUpdate(h->context, parts[i].at, parts[i].len) == 1;
    return ok && EVP_DigestFinal_ex(h->context, out, NULL) == 1;
}

/* RFC 2104, with a key that is no longer than a block. */
static bool hmac(const struct hash *h, struct span key, const struct span *parts, size_t count,
                 unsigned char *out)
{
    unsigned char inner[BLOCK_MAX], outer[BLOCK_MAX], hashed[HASH_MAX];

    if (key.len > h->block)
        return false;
    memset(inner, 0x36, h->block);
    memset(outer, 0x5c, h->block);
    for (size_t i = 0; i < key.len; i++) {
        inner[i] ^= (unsigned char)key.at[i];
        outer[i] ^= (unsigned char)key.at[i];
    }
    const struct span within = bytes(hashed, h->size);
    bool ok = hash_all(h, inner, parts, count, hashed) && hash_all(h, outer, &within, 1, out);

    OPENSSL_cleanse(inner, sizeof inner);
    OPENSSL_cleanse(outer, sizeof outer);
    OPENSSL_cleanse(hashed, sizeof hashed);
    /* Else the state of the last hash, which is the secret, would stay there. */
    return EVP_DigestInit_ex2(h->context, h->md, NULL) == 1 && ok;
}

/* HKDF-Expand (RFC 5869, 2.3) of an HkdfLabel. */
static bool expand(const struct order *o, struct span secret, struct span data, unsigned char *out,
                   size_t len)
{
    const struct hash *h = o->hash;
    size_t label_len = o->prefix.len + o->label.len;

    if (label_len > LENGTH_MAX || data.len > LENGTH_MAX || len > LENGTH_MAX * h->size)
        return false;
    const unsigned char head[] = {(unsigned char)(len >> 8), (unsigned char)len,
                                  (unsigned char)label_len};
    const unsigned char data_len = (unsigned char)data.len;
    unsigned char block[HASH_MAX];
    bool ok = true;

    for (size_t done = 0, n = 1; ok && done < len; n++) {
        const unsigned char count = (unsigned char)n;
        const struct span parts[] = {bytes(block, n == 1 ? 0 : h->size),
                                     bytes(head, sizeof head),
                                     o->prefix,
                                     o->label,
                                     bytes(&data_len, 1),
                                     data,
                                     bytes(&count, 1)};
        size_t take = len - done < h->size ? len - done : h->size;

        ok = hmac(h, secret, parts, COUNT_OF(parts), block);
        if (ok)
            memcpy(out + done, block, take);
        done += take;
    }
    OPENSSL_cleanse(block, sizeof block);
    return ok;
}

/* HKDF-Extract of the next secret, with what follows from the one before. */
static bool extract(const struct order *o, unsigned char *out, size_t len)
{
    static const unsigned char zeros[HASH_MAX];
    const struct hash *h = o->hash;
    unsigned char before[HASH_MAX];
    struct span salt = {NULL, 0}, key = o->key.at ? o->key : bytes(zeros, h->size);
    bool ok = len == h->size;

    if (o->salt.at) {
        ok = ok && expand(o, o->salt, bytes(h->of_nothing, h->size), before, h->size);
        salt = bytes(before, h->size);
    }
    ok = ok && hmac(h, salt, &key, 1, out);
    OPENSSL_cleanse(before, sizeof before);
    return ok;
}

/* OpenSSL says the name that its digest has, which needs no search. */
static const struct hash *find_hash(const char *name)
{
    for (size_t i = 0; name && i < COUNT_OF(hashes); i++)
        if (strcasecmp(EVP_MD_get0_name(hashes[i].md), name) == 0)
            return &hashes[i];
    for (size_t i = 0; name && i < COUNT_OF(hashes); i++)
        if (EVP_MD_is_a(hashes[i].md, name))
            return &hashes[i];
    return NULL;
}

/* What we do not know may change the result: better none than another one. */
static bool take_param(struct order *o, const OSSL_PARAM *p)
{
    const struct {
        const char *name;
        struct span *to;
    } spans[] = {{OSSL_KDF_PARAM_KEY, &o->key},
                 {OSSL_KDF_PARAM_SALT, &o->salt},
                 {OSSL_KDF_PARAM_PREFIX, &o->prefix},
                 {OSSL_KDF_PARAM_LABEL, &o->label},
                 {OSSL_KDF_PARAM_DATA, &o->data}};
    const char *name;

    if (strcmp(p->key, OSSL_KDF_PARAM_MODE) == 0)
        return OSSL_PARAM_get_int(p, &o->mode) == 1;
    if (strcmp(p->key, OSSL_KDF_PARAM_DIGEST) == 0)
        return OSSL_PARAM_get_utf8_string_ptr(p, &name) == 1 && (o->hash = find_hash(name));
    for (size_t i = 0; i < COUNT_OF(spans); i++)
        if (strcmp(p->key, spans[i].name) == 0) {
            *spans[i].to = (struct span){p->data, p->data_size};
            return p->data_type == OSSL_PARAM_OCTET_STRING;
        }
    return false;
}

static int derive(void *context, unsigned char *out, size_t len, const OSSL_PARAM params[])
{
    struct order o = {.mode = -1};

    (void)context;
    for (const OSSL_PARAM *p = params; p && p->key; p++)
        if (!take_param(&o, p))
            return 0;
    if (!o.hash)
        return 0;
    if (o.mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY)
        return extract(&o, out, len);
    return o.mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY && o.key.at &&
           expand(&o, o.key, o.data, out, len);
}

/* All that derive() needs it is told: a context is nothing. */
static void *no_context(void *provider)
{
    static char nothing;

    (void)provider;
    return &nothing;
}

static void no_end(void *context)
{
    (void)context;
}

static const OSSL_DISPATCH functions[] = {{OSSL_FUNC_KDF_NEWCTX, (void (*)(void))no_context},
                                          {OSSL_FUNC_KDF_FREECTX, (void (*)(void))no_end},
                                          {OSSL_FUNC_KDF_RESET, (void (*)(void))no_end},
                                          {OSSL_FUNC_KDF_DERIVE, (void (*)(void))derive},
                                          {0, NULL}};

/* Whose algorithms these are, in truth; and AES-GCM. */
static OSSL_PROVIDER *theirs;
static const OSSL_ALGORITHM *ciphers;

static const OSSL_ALGORITHM *query(void *provider, int operation, int *no_cache)
{
    static const OSSL_ALGORITHM ours[] = {
        {OSSL_KDF_NAME_TLS1_3_KDF, "provider=sallyport", functions, NULL},
        {NULL, NULL, NULL, NULL}};

    (void)provider;
    *no_cache = 0;
    if (operation == OSSL_OP_CIPHER)
        return ciphers;
    return operation == OSSL_OP_KDF ? ours : NULL;
}

static int begin(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *core,
                 const OSSL_DISPATCH **out, void **provider)
{
    static const OSSL_DISPATCH answers[] = {
        {OSSL_FUNC_PROVIDER_QUERY_OPERATION, (void (*)(void))query}, {0, NULL}};

    (void)handle;
    (void)core;
    *out = answers;
    *provider = OSSL_PROVIDER_get0_provider_ctx(theirs); /* the ciphers are made for that one */
    return 1;
}

static bool hash_init(struct hash *h)
{
    h->md = EVP_MD_fetch(NULL, h->fetched, NULL);
    h->context = EVP_MD_CTX_new();
    if (!h->md || !h->context)
        return false;
    h->size = (size_t)EVP_MD_get_size(h->md);
    h->block = (size_t)EVP_MD_get_block_size(h->md);
    return h->size <= HASH_MAX && h->block <= BLOCK_MAX &&
           EVP_Digest("", 0, h->of_nothing, NULL, h->md, NULL) == 1;
}

/* Held for good. */
static OSSL_PROVIDER *us;

static void find(OSSL_LIB_CTX *where, const char *wanted)
{
    static const char *const kinds[] = {"AES-128-GCM", "AES-192-GCM", "AES-256-GCM"};

    for (size_t i = 0; ciphers && i < COUNT_OF(kinds); i++)
        EVP_CIPHER_free(EVP_CIPHER_fetch(where, kinds[i], wanted));
    EVP_KDF_free(EVP_KDF_fetch(where, OSSL_KDF_NAME_TLS1_3_KDF, wanted));
}

/* OpenSSL takes what it has found before; who wishes for nothing gets what was found first,
 * which stays its own. And its providers stay: the digests are theirs. */
static OSSL_PROVIDER *offer(OSSL_LIB_CTX *where)
{
    OSSL_PROVIDER *offered = NULL;

    find(where, NULL);
    if (OSSL_PROVIDER_add_builtin(where, "sallyport", begin) == 1 &&
        (offered = OSSL_PROVIDER_try_load(where, "sallyport", 1)))
        find(where, "provider=sallyport");
    return offered;
}

bool kdf_fits(unsigned long built, unsigned long here)
{
    return built >> 20 == here >> 20; /* 0xMNN00PP0 */
}

void kdf_use(void)
{
    int no_cache;

    if (us || !kdf_fits(OPENSSL_VERSION_NUMBER, OpenSSL_version_num()))
        return;
    for (size_t i = 0; i < COUNT_OF(hashes); i++)
        if (!hash_init(&hashes[i]))
            return;
    theirs = (OSSL_PROVIDER *)EVP_MD_get0_provider(hashes[0].md);
    ciphers = gcm_offer(OSSL_PROVIDER_query_operation(theirs, OSSL_OP_CIPHER, &no_cache));
    us = offer(NULL);
    if (few_context() && !offer(few_context()))
        us = NULL; /* with few_context() OpenSSL's own is used */
}

const char *kdf_missing(void)
{
    if (us)
        return NULL;
    return kdf_fits(OPENSSL_VERSION_NUMBER, OpenSSL_version_num())
               ? "OpenSSL does not take it"
               : "OpenSSL has another minor version than the one this was built with";
}
