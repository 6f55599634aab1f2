/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/hmac.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

/* What there is, is OpenSSL's: a struct hmac is an EVP_MAC_CTX that has its key. */
static EVP_MAC_CTX *context(struct hmac *h)
{
    return (EVP_MAC_CTX *)h;
}

static bool set_key(EVP_MAC_CTX *c, struct span key)
{
    char name[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
        OSSL_PARAM_construct_end(),
    };

    return EVP_MAC_init(c, (const unsigned char *)key.at, key.len, params);
}

struct hmac *hmac_new(struct span key)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *c = mac ? EVP_MAC_CTX_new(mac) : NULL;

    EVP_MAC_free(mac);
    if (c && set_key(c, key))
        return (struct hmac *)c;
    EVP_MAC_CTX_free(c);
    return NULL;
}

void hmac_free(struct hmac **h)
{
    EVP_MAC_CTX_free(context(*h));
    *h = NULL;
}

bool hmac_make(struct hmac *h, struct span bytes, unsigned char out[HMAC_BYTES])
{
    size_t len = 0;

    /* Without a key it begins anew with the one that it has. */
    return EVP_MAC_init(context(h), NULL, 0, NULL) &&
           EVP_MAC_update(context(h), (const unsigned char *)bytes.at, bytes.len) &&
           EVP_MAC_final(context(h), out, &len, HMAC_BYTES) && len == HMAC_BYTES;
}
