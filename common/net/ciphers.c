/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ciphers.h"

#include <stdio.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

/* The longest name of a list, with what may stand before it. */
enum { NAME = 128 };

/* Ciphers that OpenSSL has had and that this one was built without: to exclude them is wise, not a
 * mistake. */
static bool is_history(const char *name)
{
    static const char *const gone[] = {
        "3DES", "ADH", "AECDH", "aDSS",  "aECDH",  "aGOST",    "aGOST01",  "aGOST12", "aDH",
        "DES",  "DSS", "eNULL", "EXP",   "EXPORT", "EXPORT40", "EXPORT56", "FZA",     "GOST94",
        "IDEA", "kDH", "kECDH", "KRB5",  "LOW",    "MD5",      "NULL",     "RC2",     "RC4",
        "SEED", "SRP", "aSRP",  "kGOST", "SSLv2",  "aNULL",    "PSK",      "kKRB5",   "aKRB5",
    };

    for (size_t i = 0; i < COUNT_OF(gone); i++)
        if (strcasecmp(name, gone[i]) == 0)
            return true;
    return false;
}

static bool is_cipher(SSL_CTX *ctx, const char *text)
{
    bool excludes = *text == '!' || *text == '-';
    const char *name = text + (excludes || *text == '+');
    bool known = *name == '@' || SSL_CTX_set_cipher_list(ctx, name);

    return known || (excludes && is_history(name));
}

static bool is_suite(SSL_CTX *ctx, const char *name)
{
    return SSL_CTX_set_ciphersuites(ctx, name);
}

static bool is_group(SSL_CTX *ctx, const char *name)
{
    return SSL_CTX_set1_groups_list(ctx, name);
}

/* Each name by itself, in a context of its own: at level 0, where it is but a matter of names. */
static bool are_known(const char *list, const char *separators,
                      bool (*is_known)(SSL_CTX *, const char *), const char *remedy, char *why,
                      size_t size)
{
    SSL_CTX *ctx = list && *list ? SSL_CTX_new(TLS_method()) : NULL;
    bool known = true;
    char name[NAME];

    if (ctx)
        SSL_CTX_set_security_level(ctx, 0);
    for (const char *at = list; ctx && known && *(at += strspn(at, separators));) {
        size_t len = strcspn(at, separators);

        (void)snprintf(name, sizeof name, "%.*s", (int)len, at);
        known = len < sizeof name && is_known(ctx, name);
        at += len;
    }
    ERR_clear_error();
    SSL_CTX_free(ctx);
    if (!known)
        (void)snprintf(why, size, "'%s' is unknown; %s", name, remedy);
    return known;
}

bool ciphers_are_known(const char *list, char *why, size_t size)
{
    return are_known(list, ": ,;", is_cipher, "see openssl ciphers", why, size);
}

bool suites_are_known(const char *list, char *why, size_t size)
{
    return are_known(list, ":", is_suite, "see openssl ciphers -tls1_3 -s", why, size);
}

bool groups_are_known(const char *list, char *why, size_t size)
{
    return are_known(list, ":", is_group, "write such as X25519:P-256:P-384", why, size);
}

/* All are known, and yet OpenSSL does not take it. */
static bool refused(const char *what, const char *list, char *why, size_t size)
{
    (void)snprintf(why, size, "'%s' leaves no %s that can be had; drop some of its exclusions",
                   list, what);
    ERR_clear_error();
    return false;
}

/* AES-128 goes before what else there is in TLS 1.3, if it is there: OpenSSL has AES-256 first,
 * whose SHA-384 has no instructions of its own. It saves 6 % of a session with a full handshake.
 * What the system leaves out stays out. */
static bool prefer_aes128(SSL_CTX *ctx)
{
    const char *first = "TLS_AES_128_GCM_SHA256";
    STACK_OF(SSL_CIPHER) *all = SSL_CTX_get_ciphers(ctx);
    char list[512];
    size_t len = (size_t)snprintf(list, sizeof list, "%s", first);
    bool has = false;

    for (int i = 0; i < sk_SSL_CIPHER_num(all); i++) {
        const SSL_CIPHER *cipher = sk_SSL_CIPHER_value(all, i);
        const char *name = SSL_CIPHER_get_name(cipher);

        if (strcmp(SSL_CIPHER_get_version(cipher), "TLSv1.3") != 0)
            continue;
        if (strcmp(name, first) == 0)
            has = true;
        else if (len + 1 + strlen(name) < sizeof list)
            len += (size_t)snprintf(list + len, sizeof list - len, ":%s", name);
    }
    return !has || SSL_CTX_set_ciphersuites(ctx, list);
}

static bool set_suites(SSL_CTX *ctx, const char *suites)
{
    return suites && *suites ? SSL_CTX_set_ciphersuites(ctx, suites) : prefer_aes128(ctx);
}

bool ciphers_use(SSL_CTX *ctx, const char *ciphers, const char *suites, const char *groups,
                 char *why, size_t size)
{
    if (!ciphers_are_known(ciphers, why, size) || !suites_are_known(suites, why, size) ||
        !groups_are_known(groups, why, size))
        return false;
    if (ciphers && *ciphers && !SSL_CTX_set_cipher_list(ctx, ciphers))
        return refused("cipher", ciphers, why, size);
    if (!set_suites(ctx, suites))
        return refused("cipher suite", suites ? suites : "", why, size);
    if (groups && *groups && !SSL_CTX_set1_groups_list(ctx, groups))
        return refused("group", groups, why, size);
    return true;
}
