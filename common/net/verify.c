/* SPDX-License-Identifier: Apache-2.0 */
#include "net/verify.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/clock.h"
#include "net/cert.h"

struct verify {
    X509_STORE *store;
    STACK_OF(X509_NAME) * names; /* of the CAs: what clients choose a certificate by */
    int depth;
    char *lists;          /* ours: the file that they are in; NULL: there are none */
    long long lists_hold; /* until when all of them do */
};

/* A ticket for a session that asks for no certificate needs no end of its own. */
static const long long ALWAYS = LLONG_MAX;

/* clang-format off */
static const struct {
    int result;
    const char *word;
} words[] = {
    {X509_V_OK, "ok"},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "self-signed"},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "untrusted"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "untrusted"},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "untrusted"},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "untrusted"},
    {X509_V_ERR_CERT_UNTRUSTED, "untrusted"},
    {X509_V_ERR_CERT_REJECTED, "untrusted"},
    {X509_V_ERR_CERT_HAS_EXPIRED, "expired"},
    {X509_V_ERR_CERT_NOT_YET_VALID, "not-yet-valid"},
    {X509_V_ERR_CERT_REVOKED, "revoked"},
    {X509_V_ERR_INVALID_PURPOSE, "wrong-purpose"},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, "chain-too-long"},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, "chain-too-long"},
    {X509_V_ERR_INVALID_CA, "not-a-ca"},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, "not-a-ca"},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, "bad-signature"},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, "bad-signature"},
    {X509_V_ERR_UNABLE_TO_GET_CRL, "no-crl"},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, "no-crl"},
    {X509_V_ERR_CRL_HAS_EXPIRED, "crl-expired"},
    {X509_V_ERR_CRL_NOT_YET_VALID, "crl-not-yet-valid"},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, "bad-crl"},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, "bad-crl"},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, "bad-crl"},
    {X509_V_ERR_EE_KEY_TOO_SMALL, "too-weak"},
    {X509_V_ERR_CA_KEY_TOO_SMALL, "too-weak"},
    {X509_V_ERR_CA_MD_TOO_WEAK, "too-weak"},
};
/* clang-format on */

const char *verify_word(long result)
{
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (words[i].result == result)
            return words[i].word;
    return "invalid";
}

long verify_dates(const X509 *cert)
{
    if (X509_cmp_current_time(X509_get0_notBefore(cert)) >= 0)
        return X509_V_ERR_CERT_NOT_YET_VALID;
    if (X509_cmp_current_time(X509_get0_notAfter(cert)) <= 0)
        return X509_V_ERR_CERT_HAS_EXPIRED;
    return X509_V_OK;
}

static bool wrong(char *why, size_t size, const char *file, const char *what)
{
    (void)snprintf(why, size, "%s%s%s", file, *file ? ": " : "", what);
    ERR_clear_error();
    return false;
}

/* Walks what the files held; false: no memory. */
static bool look_at(struct verify *v, bool *has_lists)
{
    const STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(v->store);

    for (int i = 0; i < sk_X509_OBJECT_num(all); i++) {
        X509_OBJECT *o = sk_X509_OBJECT_value(all, i);
        X509 *ca = X509_OBJECT_get0_X509(o);
        X509_CRL *list = X509_OBJECT_get0_X509_CRL(o);

        if (ca) {
            X509_NAME *name = X509_NAME_dup(X509_get_subject_name(ca));

            if (!name || !sk_X509_NAME_push(v->names, name)) {
                X509_NAME_free(name);
                return false;
            }
        } else if (list) {
            const ASN1_TIME *next = X509_CRL_get0_nextUpdate(list);
            long long until = next ? cert_time(next) : ALWAYS;

            *has_lists = true;
            if (until < v->lists_hold)
                v->lists_hold = until;
        }
    }
    return true;
}

/* PEM, as everything; but CAs publish them in DER. */
static bool load_lists(X509_STORE *store, const char *file)
{
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

    return lookup && (X509_load_crl_file(lookup, file, X509_FILETYPE_PEM) > 0 ||
                      X509_load_crl_file(lookup, file, X509_FILETYPE_ASN1) > 0);
}

/* What was trusted by being in the CA file needs no list for itself. */
static int forgive_anchor(int ok, X509_STORE_CTX *c)
{
    int error = X509_STORE_CTX_get_error(c);

    if (ok || error != X509_V_ERR_UNABLE_TO_GET_CRL ||
        X509_STORE_CTX_get_error_depth(c) != sk_X509_num(X509_STORE_CTX_get0_chain(c)) - 1)
        return ok;
    X509_STORE_CTX_set_error(c, X509_V_OK);
    return 1;
}

static const char *list_file(const struct verify_conf *conf)
{
    return conf->crl_file && *conf->crl_file ? conf->crl_file : conf->ca_file;
}

static bool read_files(struct verify *v, const struct verify_conf *conf, char *why, size_t size)
{
    bool has_lists = false;

    if (conf->ca_file && *conf->ca_file) {
        if (!X509_STORE_load_file(v->store, conf->ca_file))
            return wrong(why, size, conf->ca_file, "no CA certificates (PEM) can be read from it");
    }
    if (conf->crl_file && *conf->crl_file && !load_lists(v->store, conf->crl_file))
        return wrong(why, size, conf->crl_file,
                     "no revocation list (PEM or DER) can be read from it");
    if (!look_at(v, &has_lists) || (has_lists && !(v->lists = strdup(list_file(conf)))))
        return wrong(why, size, "", "out of memory");
    if (conf->ca_file && *conf->ca_file && sk_X509_NAME_num(v->names) == 0)
        return wrong(why, size, conf->ca_file, "no CA certificates (PEM) can be read from it");
    X509_STORE_set_flags(v->store,
                         X509_V_FLAG_PARTIAL_CHAIN |
                             (has_lists ? X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL : 0));
    X509_STORE_set_verify_cb(v->store, forgive_anchor);
    ERR_clear_error();
    return true;
}

struct verify *verify_new(const struct verify_conf *conf, char *why, size_t size)
{
    struct verify *v = calloc(1, sizeof *v);
    bool ok = v && (v->store = X509_STORE_new()) && (v->names = sk_X509_NAME_new_null());

    if (!ok) {
        (void)wrong(why, size, "", "out of memory");
    } else {
        v->depth = (int)conf->depth;
        v->lists_hold = ALWAYS;
        ok = read_files(v, conf, why, size);
    }
    if (!ok)
        verify_free(&v);
    return v;
}

void verify_free(struct verify **v)
{
    if (*v) {
        X509_STORE_free((*v)->store);
        sk_X509_NAME_pop_free((*v)->names, X509_NAME_free);
        free((*v)->lists);
        free(*v);
    }
    *v = NULL;
}

void verify_show(const struct verify *v, dated_fn *show, void *arg)
{
    if (v->lists)
        show(arg, &(struct dated){.kind = "revocation list",
                                  .file = v->lists,
                                  .names = "",
                                  .until = v->lists_hold == ALWAYS ? 0 : (time_t)v->lists_hold});
}

/* Without CAs there is no chain to build, but there are dates: the certificate may be taken by its
 * fingerprint. */
static int look_at_leaf(const X509 *leaf)
{
    long dates = verify_dates(leaf);

    if (dates != X509_V_OK)
        return (int)dates;
    return X509_self_signed((X509 *)leaf, 0) == 1 ? X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
                                                  : X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY;
}

/* OpenSSL looks at dates only once a chain is whole; but a fingerprint stands in for the CA alone.
 */
static void look_at_stranger(X509_STORE_CTX *c)
{
    long dates = verify_dates(X509_STORE_CTX_get0_cert(c));

    if (dates != X509_V_OK)
        X509_STORE_CTX_set_error(c, (int)dates);
}

static bool is_stranger(int error)
{
    const char *word = verify_word(error);

    return !strcmp(word, "self-signed") || !strcmp(word, "untrusted");
}

/* Whatever comes out, the handshake goes on. */
static int verify_and_go_on(X509_STORE_CTX *c, void *verify)
{
    const struct verify *v = verify;

    if (sk_X509_NAME_num(v->names) == 0)
        X509_STORE_CTX_set_error(c, look_at_leaf(X509_STORE_CTX_get0_cert(c)));
    else if (X509_verify_cert(c) <= 0 && is_stranger(X509_STORE_CTX_get_error(c)))
        look_at_stranger(c);
    return 1;
}

static long long earlier(long long a, long long b)
{
    return a < b ? a : b;
}

/* Until when what this session has proven holds; 0: nothing that another may build on. */
static long long holds_until(SSL *s, const struct verify *v)
{
    const STACK_OF(X509) *chain = SSL_get0_verified_chain(s);
    long long until = v->lists_hold;

    if (SSL_get_verify_mode(s) == SSL_VERIFY_NONE)
        return ALWAYS;
    if (!SSL_get0_peer_certificate(s) || SSL_get_verify_result(s) != X509_V_OK || !chain)
        return 0;
    for (int i = 0; i < sk_X509_num(chain); i++)
        until = earlier(until, cert_time(X509_get0_notAfter(sk_X509_value(chain, i))));
    return until;
}

/* A ticket goes out. That of a resumed session says what the first one said: the chain is not in
 * a ticket, only the certificate. */
static int seal(SSL *s, void *verify)
{
    long long until;

    if (SSL_session_reused(s))
        return 1;
    until = holds_until(s, verify);
    return SSL_SESSION_set1_ticket_appdata(SSL_get_session(s), &until, sizeof until);
}

/* A ticket came, and was opened by `status`. */
static SSL_TICKET_RETURN open_ticket(SSL *s, SSL_SESSION *session, const unsigned char *name,
                                     size_t name_len, SSL_TICKET_STATUS status, void *verify)
{
    void *said;
    size_t len;
    long long until = 0;

    (void)s;
    (void)name;
    (void)name_len;
    (void)verify;
    if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    if (SSL_SESSION_get0_ticket_appdata(session, &said, &len) && len == sizeof until)
        memcpy(&until, said, sizeof until);
    if ((double)until <= clock_now())
        return SSL_TICKET_RETURN_IGNORE_RENEW;
    return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE : SSL_TICKET_RETURN_USE_RENEW;
}

bool verify_use(struct verify *v, SSL_CTX *ctx)
{
    STACK_OF(X509_NAME) *names = SSL_dup_CA_list(v->names);

    if (!names || !SSL_CTX_set1_verify_cert_store(ctx, v->store) ||
        !SSL_CTX_set_session_ticket_cb(ctx, seal, open_ticket, v)) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return false;
    }
    SSL_CTX_set_client_CA_list(ctx, names);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    SSL_CTX_set_verify_depth(ctx, v->depth);
    SSL_CTX_set_cert_verify_callback(ctx, verify_and_go_on, v);
    return true;
}

bool verify_digest(const struct verify *v, EVP_MD_CTX *md)
{
    const STACK_OF(X509_OBJECT) *all = X509_STORE_get0_objects(v->store);
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len;
    bool ok = EVP_DigestUpdate(md, &v->depth, sizeof v->depth) == 1;

    for (int i = 0; ok && i < sk_X509_OBJECT_num(all); i++) {
        X509_OBJECT *o = sk_X509_OBJECT_value(all, i);
        X509 *ca = X509_OBJECT_get0_X509(o);
        X509_CRL *list = X509_OBJECT_get0_X509_CRL(o);

        ok = (ca ? X509_digest(ca, EVP_sha256(), digest, &len)
                 : X509_CRL_digest(list, EVP_sha256(), digest, &len)) == 1 &&
             EVP_DigestUpdate(md, digest, len) == 1;
    }
    return ok;
}

void verify_ask(SSL *s)
{
    SSL_set_verify(s, SSL_VERIFY_PEER, NULL);
}
