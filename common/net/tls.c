/* SPDX-License-Identifier: Apache-2.0 */
#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

#include "net/cert.h"
#include "net/ciphers.h"
#include "net/few.h"
#include "net/kdf.h"
#include "net/ktls.h"
#include "net/staple.h"
#include "net/verify.h"

/* Bytes that a record takes beside its data (RFC 8446, 5.2), and to align it. */
enum { RECORD_MORE = 64 };

/* One context for certificates of the same names. */
struct named {
    struct cert cert; /* the first of them */
    SSL_CTX *ctx;
};

/* One file with a certificate, for tls_show(). */
struct own {
    char *file; /* ours */
    char names[CERT_NAMES];
    time_t until;
};

struct tls {
    struct named *at; /* ours; a caller has one */
    size_t count;
    struct own *own; /* ours */
    size_t own_count;
    struct staples *staples; /* ours */
    bool calls;
    struct verify *verify;     /* NULL where it calls */
    unsigned char context[32]; /* SHA-256 of what all its tickets are bound to */
};

static bool wrong(char *why, size_t size, const char *what)
{
    unsigned long error = ERR_peek_error();
    const char *reason = error ? ERR_reason_error_string(error) : NULL;

    (void)snprintf(why, size, "%s%s%s", what, reason ? ": " : "", reason ? reason : "");
    ERR_clear_error();
    return false;
}

static bool wrong_file(char *why, size_t size, const char *file, const char *what)
{
    (void)snprintf(why, size, "%s: %s", file, what);
    ERR_clear_error();
    return false;
}

static int protocol_number(enum tls_protocol p)
{
    switch (p) {
    case TLS_1_0:
        return TLS1_VERSION;
    case TLS_1_1:
        return TLS1_1_VERSION;
    case TLS_1_2:
        return TLS1_2_VERSION;
    case TLS_1_3:
        return TLS1_3_VERSION;
    }
    return TLS1_2_VERSION;
}

/* What both sides have in common. `level` -1: OpenSSL's own, as the system has set it. */
static bool set_common(SSL_CTX *ctx, enum tls_protocol least, int level, bool offload, char *why,
                       size_t size)
{
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_clear_mode(ctx, SSL_MODE_AUTO_RETRY); /* conn.c goes on by itself, and not for ever */
    /* One system call for several records, not two for each. */
    SSL_CTX_set_read_ahead(ctx, 1);
    SSL_CTX_set_default_read_buffer_len(ctx, TLS_AHEAD * (TLS_RECORD + RECORD_MORE));
    SSL_CTX_set_max_early_data(ctx, 0);
    if (offload && ktls_is_there())
        SSL_CTX_set_options(ctx, SSL_OP_ENABLE_KTLS);
    if (level >= 0)
        SSL_CTX_set_security_level(ctx, level);
    if (!SSL_CTX_set_min_proto_version(ctx, protocol_number(least)) ||
        !SSL_CTX_set_max_proto_version(ctx, 0))
        return wrong(why, size, "this oldest protocol cannot be had");
    return true;
}

/* A ticket must not outlive what it was given under: names, keys, CAs, revocation lists and the
 * caller's context. */
static bool set_session_context(struct tls *t, const struct tls_server_conf *conf)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    unsigned char of_cert[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) &&
              EVP_DigestUpdate(md, conf->session_context.at, conf->session_context.len) &&
              verify_digest(t->verify, md);

    for (size_t i = 0; ok && i < t->count; i++)
        ok = X509_digest(t->at[i].cert.leaf, EVP_sha256(), of_cert, &len) &&
             EVP_DigestUpdate(md, of_cert, len);
    ok = ok && EVP_DigestFinal_ex(md, t->context, &len);
    for (size_t i = 0; ok && i < t->count; i++)
        ok = SSL_CTX_set_session_id_context(t->at[i].ctx, t->context, sizeof t->context);
    EVP_MD_CTX_free(md);
    return ok;
}

/* RFC 6066, 3. A name that is not ours gets the first certificate: many mail servers send
 * whatever name they came by. The name is acknowledged always, so that it stays with a session. */
static int choose_name(SSL *s, int *alert, void *arg)
{
    struct tls *t = arg;
    const char *name = SSL_get_servername(s, TLSEXT_NAMETYPE_host_name);

    (void)alert;
    if (!name)
        return SSL_TLSEXT_ERR_NOACK;
    for (size_t i = 0; i < t->count; i++)
        if (cert_is_for(&t->at[i].cert, name)) {
            (void)SSL_set_SSL_CTX(s, t->at[i].ctx);
            break;
        }
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *server_ctx(struct tls *t, const struct tls_server_conf *conf,
                           struct tickets *tickets, char *why, size_t size)
{
    SSL_CTX *ctx = SSL_CTX_new_ex(NULL, KDF_WANTED, TLS_server_method());
    /* Older protocols sign with SHA-1 and MD5: no level above 0 lets them. */
    int level = conf->least < TLS_1_2 ? 0 : -1;

    if (!ctx) {
        (void)wrong(why, size, "out of memory");
        return NULL;
    }
    SSL_CTX_set_options(ctx, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_dh_auto(ctx, 1);
    if (tickets) {
        tickets_use(tickets, ctx);
    } else {
        SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
        SSL_CTX_set_num_tickets(ctx, 0);
    }
    SSL_CTX_set_tlsext_servername_callback(ctx, choose_name);
    SSL_CTX_set_tlsext_servername_arg(ctx, t);
    alpn_use(ctx);
    staples_use(t->staples, ctx);
    if (set_common(ctx, conf->least, level, conf->offload, why, size) &&
        ciphers_use(ctx, conf->ciphers, conf->ciphersuites, conf->groups, why, size) &&
        (verify_use(t->verify, ctx) || wrong(why, size, "out of memory")))
        return ctx;
    SSL_CTX_free(ctx);
    return NULL;
}

/* Puts the certificate beside others of the same names, or behind all. Takes it over. */
static bool add_cert(struct tls *t, struct cert *cert, const char *file,
                     const struct tls_server_conf *conf, struct tickets *tickets, char *why,
                     size_t size)
{
    struct named *n = t->at;
    int type = EVP_PKEY_get_base_id(cert->key);

    while (n < t->at + t->count && !cert_is_alike(&n->cert, cert))
        n++;
    if (n == t->at + t->count) {
        n->ctx = server_ctx(t, conf, tickets, why, size);
        n->cert = *cert;
        t->count++;
        if (!n->ctx)
            return false;
        return cert_use(&n->cert, n->ctx) || wrong(why, size, file);
    }
    /* A second of the same type would silently take the place of the first. */
    for (long ok = SSL_CTX_set_current_cert(n->ctx, SSL_CERT_SET_FIRST); ok;
         ok = SSL_CTX_set_current_cert(n->ctx, SSL_CERT_SET_NEXT))
        if (EVP_PKEY_get_base_id(SSL_CTX_get0_privatekey(n->ctx)) == type) {
            cert_clear(cert);
            return wrong_file(why, size, file,
                              "another certificate has the same names and type of key; leave out "
                              "one of them");
        }
    bool ok = cert_use(cert, n->ctx);

    cert_clear(cert);
    return ok || wrong(why, size, file);
}

/* For tls_show(), also when the certificate itself is no longer held. */
static bool note(struct tls *t, const struct cert *cert, const char *file, char *why, size_t size)
{
    struct own *own = &t->own[t->own_count++];

    own->file = strdup(file);
    own->until = cert_until(cert);
    cert_names(cert, own->names);
    return own->file || wrong(why, size, "out of memory");
}

static bool get_memory(struct tls *t, size_t certs, const struct texts *ocsp_files)
{
    return t && (t->at = calloc(certs + 1, sizeof *t->at)) &&
           (t->own = calloc(certs + 1, sizeof *t->own)) && (t->staples = staples_new(ocsp_files));
}

static bool take_cert(struct tls *t, size_t i, const struct tls_server_conf *conf,
                      struct tickets *tickets, char *why, size_t size)
{
    const struct cert_file *from = &conf->certs.at[i];
    struct cert cert;

    if (!cert_read(&cert, from, why, size))
        return false;
    staples_fit(t->staples, &cert);
    if (note(t, &cert, from->file, why, size))
        return add_cert(t, &cert, from->file, conf, tickets, why, size);
    cert_clear(&cert);
    return false;
}

struct tls *tls_server_new(const struct tls_server_conf *conf, struct tickets *tickets, char *why,
                           size_t size)
{
    struct tls *t = calloc(1, sizeof *t);
    bool ok = get_memory(t, conf->certs.count, &conf->ocsp_files);

    if (!ok)
        (void)wrong(why, size, "out of memory");
    else if (conf->certs.count == 0)
        ok = wrong(why, size, "TLS needs a certificate; none is configured");
    ERR_clear_error();
    ok = ok &&
         (t->verify = verify_new(
              &(struct verify_conf){conf->ca_file, conf->crl_file, conf->verify_depth}, why, size));
    for (size_t i = 0; ok && i < conf->certs.count; i++)
        ok = take_cert(t, i, conf, tickets, why, size);
    if (ok && !set_session_context(t, conf))
        ok = wrong(why, size, "out of memory");
    if (!ok)
        tls_free(&t);
    return t;
}

/* To read the system's takes longer than all else. Not by SSL_CTX_set_default_verify_paths(): since
 * OpenSSL 3 that reads the list of the folder once more, for each certificate whose issuer is not
 * there: 350,000 instructions of 4.9 million and 8 system calls in each such handshake. */
static bool take_cas(SSL_CTX *ctx, const char *file, const struct tls *others, char *why,
                     size_t size)
{
    if (others)
        SSL_CTX_set1_cert_store(ctx, SSL_CTX_get_cert_store(others->at->ctx));
    else if (!*file &&
             !(SSL_CTX_set_default_verify_file(ctx) && SSL_CTX_set_default_verify_dir(ctx)))
        return wrong(why, size, "the system's CAs");
    else if (*file && !SSL_CTX_load_verify_file(ctx, file))
        return wrong_file(why, size, file, "no CA certificates (PEM) can be read from it");
    return true;
}

static bool set_up_client(struct tls *t, const struct tls_client_conf *conf,
                          const struct tls *others, char *why, size_t size)
{
    SSL_CTX *ctx = t->at->ctx;

    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    /* Whatever is proven or not, the handshake goes on: see conn_cert_state(). */
    SSL_CTX_set_verify(ctx, SSL_VERIFY_NONE, NULL);
    if (SSL_CTX_dane_enable(ctx) <= 0) /* for dane.c */
        return wrong(why, size, "out of memory");
    (void)SSL_CTX_dane_set_flags(ctx, DANE_FLAG_NO_DANE_EE_NAMECHECKS); /* RFC 7672, 3.1.1 */
    if (!set_common(ctx, conf->least, conf->security_level, conf->offload, why, size) ||
        !ciphers_use(ctx, conf->ciphers, conf->ciphersuites, NULL, why, size) ||
        !take_cas(ctx, conf->ca_file, others, why, size))
        return false;
    if (!conf->cert.file || !*conf->cert.file)
        return true;
    return cert_read(&t->at->cert, &conf->cert, why, size) &&
           note(t, &t->at->cert, conf->cert.file, why, size) &&
           (cert_use(&t->at->cert, ctx) || wrong(why, size, conf->cert.file));
}

struct tls *tls_client_new(const struct tls_client_conf *conf, char *why, size_t size)
{
    return tls_client_beside(conf, NULL, why, size);
}

struct tls *tls_client_beside(const struct tls_client_conf *conf, const struct tls *others,
                              char *why, size_t size)
{
    struct tls *t = calloc(1, sizeof *t);

    ERR_clear_error();
    if (!get_memory(t, 1, &(struct texts){NULL, 0}) ||
        !(t->at->ctx = SSL_CTX_new_ex(few_context(), KDF_WANTED, TLS_client_method()))) {
        (void)wrong(why, size, "out of memory");
        tls_free(&t);
        return NULL;
    }
    t->count = 1;
    t->calls = true;
    if (!set_up_client(t, conf, others, why, size))
        tls_free(&t);
    return t;
}

void tls_free(struct tls **t)
{
    if (!*t)
        return;
    for (size_t i = 0; i < (*t)->count; i++) {
        SSL_CTX_free((*t)->at[i].ctx);
        cert_clear(&(*t)->at[i].cert);
    }
    for (size_t i = 0; i < (*t)->own_count; i++)
        free((*t)->own[i].file);
    staples_free(&(*t)->staples);
    free((*t)->own);
    verify_free(&(*t)->verify);
    free((*t)->at);
    free(*t);
    *t = NULL;
}

void tls_show(const struct tls *t, dated_fn *show, void *arg)
{
    for (size_t i = 0; i < t->own_count; i++)
        show(arg, &(struct dated){.kind = "certificate",
                                  .file = t->own[i].file,
                                  .names = t->own[i].names,
                                  .until = t->own[i].until,
                                  .warns = true});
    staples_show(t->staples, show, arg);
    if (t->verify)
        verify_show(t->verify, show, arg);
}

SSL *tls_begin(struct tls *t)
{
    SSL *s = SSL_new(t->at->ctx);

    if (s && t->calls)
        SSL_set_connect_state(s);
    else if (s)
        SSL_set_accept_state(s);
    return s;
}

/* A ticket of a session that was asked less, or under another rule, is none here. */
bool tls_ask(const struct tls *t, SSL *s, const struct tls_asks *asks)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) &&
              EVP_DigestUpdate(md, t->context, sizeof t->context) &&
              EVP_DigestUpdate(md, &asks->certificate, sizeof asks->certificate) &&
              EVP_DigestUpdate(md, asks->binds.at, asks->binds.len) &&
              EVP_DigestFinal_ex(md, digest, &len) && SSL_set_session_id_context(s, digest, len);

    EVP_MD_CTX_free(md);
    if (ok && asks->certificate)
        verify_ask(s);
    return ok;
}
