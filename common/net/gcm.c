/* SPDX-License-Identifier: Apache-2.0 */
#include "net/gcm.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/params.h>

/* AES-128, AES-192, AES-256; and how many functions OpenSSL's have, at most. */
enum { KINDS = 3, FUNCTIONS = 32, IV = 12 };

/* Those of OpenSSL, for all kinds alike. */
static OSSL_FUNC_cipher_get_ctx_params_fn *get;
static OSSL_FUNC_cipher_set_ctx_params_fn *set;

static int get_params(void *context, OSSL_PARAM params[])
{
    if (params[0].key && !params[1].key && strcmp(params[0].key, OSSL_CIPHER_PARAM_IVLEN) == 0)
        return OSSL_PARAM_set_size_t(&params[0], IV);
    return get(context, params);
}

static int set_params(void *context, const OSSL_PARAM params[])
{
    size_t len = IV;

    for (const OSSL_PARAM *p = params; p && p->key; p++)
        if (strcmp(p->key, OSSL_CIPHER_PARAM_IVLEN) == 0 && !OSSL_PARAM_get_size_t(p, &len))
            return 0;
    return len == IV && set(context, params);
}

/* Takes the place of one of their functions; false: another kind has another one. */
static bool stand_in(OSSL_DISPATCH *f)
{
    if (f->function_id == OSSL_FUNC_CIPHER_GET_CTX_PARAMS) {
        if (get && get != OSSL_FUNC_cipher_get_ctx_params(f))
            return false;
        get = OSSL_FUNC_cipher_get_ctx_params(f);
        f->function = (void (*)(void))get_params;
    } else if (f->function_id == OSSL_FUNC_CIPHER_SET_CTX_PARAMS) {
        if (set && set != OSSL_FUNC_cipher_set_ctx_params(f))
            return false;
        set = OSSL_FUNC_cipher_set_ctx_params(f);
        f->function = (void (*)(void))set_params;
    }
    return true;
}

static bool stand_in_for(const OSSL_DISPATCH *theirs, OSSL_DISPATCH to[FUNCTIONS])
{
    size_t count = 0;

    for (; theirs[count].function_id != 0; count++) {
        if (count + 1 == FUNCTIONS)
            return false;
        to[count] = theirs[count];
        if (!stand_in(&to[count]))
            return false;
    }
    to[count] = theirs[count];
    return true;
}

const OSSL_ALGORITHM *gcm_offer(const OSSL_ALGORITHM *theirs)
{
    static OSSL_DISPATCH functions[KINDS][FUNCTIONS];
    static OSSL_ALGORITHM ours[KINDS + 1];
    size_t count = 0;

    get = NULL;
    set = NULL;
    for (const OSSL_ALGORITHM *a = theirs; a && a->algorithm_names; a++) {
        if (strncmp(a->algorithm_names, "AES-", 4) != 0 || !strstr(a->algorithm_names, "-GCM"))
            continue;
        if (count == KINDS || !stand_in_for(a->implementation, functions[count]))
            return NULL;
        ours[count] =
            (OSSL_ALGORITHM){a->algorithm_names, "provider=sallyport", functions[count], NULL};
        count++;
    }
    return count == KINDS && get && set ? ours : NULL;
}
