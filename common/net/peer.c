/* SPDX-License-Identifier: Apache-2.0
 *
 * peer - who the other side of a connection is, and how TLS came out: the part of conn.h
 * that is asked once, after the handshake.
 */
#include "net/conn.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/buf.h"
#include "base/text.h"
#include "net/cert.h"
#include "net/tls.h"
#include "net/verify.h"
#include "rule/certificate.h"

/* All names of a certificate; OpenSSL takes no chain above 100 KB. */
enum { NAMES_MAX = 100 << 10 };

/* What OpenSSL says, as plain text; NULL is nothing. */
static void put(char *to, size_t size, const char *from)
{
    text_clean(to, size, span_of(from ? from : ""));
}

static void put_name(char *to, size_t size, const X509_NAME *name)
{
    BIO *line = BIO_new(BIO_s_mem());
    char *text;

    if (line && X509_NAME_print_ex(line, name, 0, XN_FLAG_RFC2253) >= 0) {
        long len = BIO_get_mem_data(line, &text);

        if (len > 0)
            text_clean(to, size, (struct span){text, (size_t)len});
    }
    BIO_free(line);
}

static void put_digest(char to[65], const unsigned char *digest)
{
    to[text_hex(to, (struct span){(const char *)digest, 32})] = '\0';
}

static void put_fingerprints(X509 *cert, struct tls_facts *out)
{
    unsigned char digest[EVP_MAX_MD_SIZE], *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

    if (X509_digest(cert, EVP_sha256(), digest, NULL))
        put_digest(out->peer_fingerprint, digest);
    if (len > 0 && EVP_Digest(der, (size_t)len, digest, NULL, EVP_sha256(), NULL))
        put_digest(out->peer_key_fingerprint, digest);
    OPENSSL_free(der);
}

/* OpenSSL's result is that of the first handshake; time goes on, and so do sessions that are
 * resumed. */
static long result_of(const struct conn *c, X509 *cert)
{
    long result = SSL_get_verify_result(c->tls);

    return result == X509_V_OK ? verify_dates(cert) : result;
}

/* In HAProxy's words, for who reads them from a PROXY header: "ecdsa-with-SHA256", "EC256". */
static void put_own_certificate(const SSL *tls, struct tls_facts *out)
{
    X509 *cert = SSL_is_server(tls) ? SSL_get_certificate(tls) : NULL;
    EVP_PKEY *key = cert ? X509_get0_pubkey(cert) : NULL;
    int kind = key ? EVP_PKEY_get_base_id(key) : NID_undef;

    if (kind == NID_undef)
        return;
    put(out->sig_alg, sizeof out->sig_alg, OBJ_nid2sn(X509_get_signature_nid(cert)));
    if (kind == EVP_PKEY_RSA || kind == EVP_PKEY_EC)
        (void)snprintf(out->key_alg, sizeof out->key_alg, "%s%d",
                       kind == EVP_PKEY_EC ? "EC" : "RSA", EVP_PKEY_get_bits(key));
    else
        put(out->key_alg, sizeof out->key_alg, OBJ_nid2sn(kind));
}

void conn_facts(const struct conn *c, struct tls_facts *out)
{
    *out = (struct tls_facts){.bits = 0};
    if (!c->tls)
        return;
    X509 *cert = SSL_get0_peer_certificate(c->tls);
    int group = (int)SSL_get_negotiated_group(c->tls);

    put(out->protocol, sizeof out->protocol, SSL_get_version(c->tls));
    put(out->cipher, sizeof out->cipher, SSL_get_cipher_name(c->tls));
    put(out->group, sizeof out->group, group ? SSL_group_to_name(c->tls, group) : NULL);
    put(out->sni, sizeof out->sni, SSL_get_servername(c->tls, TLSEXT_NAMETYPE_host_name));
    put_own_certificate(c->tls, out);
    out->bits = SSL_get_cipher_bits(c->tls, NULL);
    out->resumed = SSL_session_reused(c->tls);
    if (!cert) {
        put(out->verify, sizeof out->verify, "none");
        return;
    }
    put(out->verify, sizeof out->verify, verify_word(result_of(c, cert)));
    put_name(out->peer_subject, sizeof out->peer_subject, X509_get_subject_name(cert));
    put_fingerprints(cert, out);
}

static bool add_name(struct buf *to, const ASN1_STRING *text)
{
    struct span s = {(const char *)ASN1_STRING_get0_data(text), (size_t)ASN1_STRING_length(text)};

    return !certificate_is_name(s) || buf_addf(to, "%s%.*s", buf_len(to) ? " " : "", SPAN_ARG(s));
}

static bool add_common_name(struct buf *to, X509 *cert)
{
    X509_NAME *subject = X509_get_subject_name(cert);
    int at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);

    return at < 0 || add_name(to, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));
}

char *conn_names(const struct conn *c)
{
    X509 *cert = c->tls ? SSL_get0_peer_certificate(c->tls) : NULL;
    GENERAL_NAMES *names = cert ? X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL) : NULL;
    struct buf text;
    char *made;
    bool well = true;

    if (!cert)
        return NULL;
    buf_init(&text, NAMES_MAX);
    for (int i = 0; well && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);

        if (name->type == GEN_DNS)
            well = add_name(&text, name->d.dNSName);
    }
    if (X509_get_ext_by_NID(cert, NID_subject_alt_name, -1) < 0)
        well = add_common_name(&text, cert);
    made = buf_len(&text) > 0 ? strndup(buf_peek(&text).at, buf_len(&text)) : NULL;
    buf_clear(&text);
    GENERAL_NAMES_free(names);
    return made;
}

static bool is_for(X509 *cert, const char *name)
{
    /* OpenSSL takes a leading dot for "any subdomain". */
    return *name && *name != '.' &&
           X509_check_host(cert, name, 0,
                           X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                           NULL) == 1;
}

static enum cert_state state_of(X509 *cert, long result, const char *name)
{
    switch (result) {
    case X509_V_OK:
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return CERT_EXPIRED;
    default:
        return CERT_UNTRUSTED;
    }
    return name && !is_for(cert, name) ? CERT_OTHER_NAME : CERT_OK;
}

enum cert_state conn_cert_state(const struct conn *c, const char *name)
{
    X509 *cert = c->tls ? SSL_get0_peer_certificate(c->tls) : NULL;

    return cert ? state_of(cert, result_of(c, cert), name) : CERT_UNTRUSTED;
}

bool conn_cert_is_for(const struct conn *c, const char *name)
{
    X509 *cert = c->tls ? SSL_get0_peer_certificate(c->tls) : NULL;

    return cert && is_for(cert, name);
}

void conn_cert(const struct conn *c, struct conn_cert *out)
{
    X509 *cert = c->tls ? SSL_get0_peer_certificate(c->tls) : NULL;

    *out = (struct conn_cert){.from = 0};
    if (!cert)
        return;
    put_name(out->issuer, sizeof out->issuer, X509_get_issuer_name(cert));
    out->from = cert_time(X509_get0_notBefore(cert));
    out->until = cert_time(X509_get0_notAfter(cert));
}

/* As OpenSSL does it in the handshake. */
static long verify_by(const SSL *shown, X509 *cert, const SSL *by)
{
    X509_STORE *cas = SSL_CTX_get_cert_store(SSL_get_SSL_CTX(by));
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    long result = X509_V_ERR_OUT_OF_MEM;

    if (check && X509_STORE_CTX_init(check, cas, cert, SSL_get_peer_cert_chain(shown)) &&
        X509_STORE_CTX_set_default(check, "ssl_server")) {
        X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(check),
                                         SSL_get_security_level(by));
        if (X509_verify_cert(check) == 1)
            result = X509_V_OK;
        else if (X509_STORE_CTX_get_error(check) != X509_V_OK)
            result = X509_STORE_CTX_get_error(check);
    }
    X509_STORE_CTX_free(check);
    return result;
}

enum cert_state conn_cert_state_by(const struct conn *c, struct tls *cas, const char *name)
{
    X509 *cert = c->tls ? SSL_get0_peer_certificate(c->tls) : NULL;
    SSL *by = cert ? tls_begin(cas) : NULL;
    enum cert_state state = CERT_UNTRUSTED;

    if (by)
        state = state_of(cert, verify_by(c->tls, cert, by), name);
    SSL_free(by);
    return state;
}

struct ssl_session_st *conn_session(const struct conn *c)
{
    SSL_SESSION *session = c->tls ? SSL_get1_session(c->tls) : NULL;

    if (session && !SSL_SESSION_is_resumable(session))
        conn_session_free(&session);
    return session;
}

void conn_session_free(struct ssl_session_st **session)
{
    SSL_SESSION_free(*session);
    *session = NULL;
}

bool conn_local(const struct conn *c, struct addr *out)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof name;

    return c->fd >= 0 && getsockname(c->fd, (struct sockaddr *)&name, &len) == 0 &&
           addr_of_sockaddr((struct sockaddr *)&name, out);
}
