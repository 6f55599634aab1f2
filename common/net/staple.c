/* SPDX-License-Identifier: Apache-2.0 */
#include "net/staple.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>

#include "net/cert.h"

/* Clocks of others are so far off at most, in seconds. */
enum { SKEW = 300, FLAW = 160 };

struct staple {
    char *file;              /* ours, as all of these */
    OCSP_RESPONSE *response; /* NULL: it could not be read */
    unsigned char *der;
    int len;
    X509 *leaf;   /* NULL: nothing was found that it could be for */
    time_t until; /* 0: for ever */
    char names[CERT_NAMES];
    char flaw[FLAW]; /* "": none */
};

struct staples {
    size_t count;
    struct staple at[];
};

static void flaw(struct staple *s, const char *what)
{
    (void)snprintf(s->flaw, sizeof s->flaw, "%s", what);
}

static void read_one(struct staple *s, const char *file)
{
    BIO *from = BIO_new_file(file, "rb");
    int error = errno;

    flaw(s, "it is about none of our certificates; drop it, or fetch the right one");
    s->file = strdup(file);
    s->response = from ? d2i_OCSP_RESPONSE_bio(from, NULL) : NULL;
    if (s->response)
        s->len = i2d_OCSP_RESPONSE(s->response, &s->der);
    if (!from)
        flaw(s, strerror(error));
    else if (!s->response || s->len <= 0)
        flaw(s, "it is no OCSP response (DER); fetch it anew");
    else if (OCSP_response_status(s->response) != OCSP_RESPONSE_STATUS_SUCCESSFUL)
        flaw(s, "the responder had no answer; fetch it anew");
    BIO_free(from);
    ERR_clear_error();
}

struct staples *staples_new(const struct texts *files)
{
    struct staples *s = calloc(1, sizeof *s + files->count * sizeof s->at[0]);

    for (size_t i = 0; s && i < files->count; i++) {
        read_one(&s->at[i], files->at[i]);
        s->count++;
        if (!s->at[i].file)
            staples_free(&s);
    }
    return s;
}

void staples_free(struct staples **s)
{
    for (size_t i = 0; *s && i < (*s)->count; i++) {
        struct staple *one = &(*s)->at[i];

        free(one->file);
        OCSP_RESPONSE_free(one->response);
        OPENSSL_free(one->der);
        X509_free(one->leaf);
    }
    free(*s);
    *s = NULL;
}

static X509 *find_issuer(const struct cert *c)
{
    for (int i = 0; i < sk_X509_num(c->chain); i++)
        if (X509_check_issued(sk_X509_value(c->chain, i), c->leaf) == X509_V_OK)
            return sk_X509_value(c->chain, i);
    return NULL;
}

/* RFC 6960, 4.1.1. Without the issuer its key is not known, only its name. */
static bool is_about(const OCSP_CERTID *id, const X509 *leaf, X509 *issuer)
{
    ASN1_OCTET_STRING *name;
    ASN1_INTEGER *serial;
    ASN1_OBJECT *hash;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;

    OCSP_id_get0_info(&name, &hash, NULL, &serial, (OCSP_CERTID *)id);
    const EVP_MD *md = EVP_get_digestbyobj(hash);

    if (!md || ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) != 0)
        return false;
    if (!issuer)
        return X509_NAME_digest(X509_get_issuer_name(leaf), md, digest, &len) &&
               (int)len == ASN1_STRING_length(name) &&
               memcmp(digest, ASN1_STRING_get0_data(name), len) == 0;

    OCSP_CERTID *ours = OCSP_cert_to_id(md, leaf, issuer);
    bool same = ours && OCSP_id_cmp(ours, id) == 0;

    OCSP_CERTID_free(ours);
    return same;
}

/* By the issuer, or by whom it has charged with that. */
static bool is_signed(OCSP_BASICRESP *basic, const struct cert *c, X509 *issuer)
{
    X509_STORE *store = X509_STORE_new();
    bool ok = store && X509_STORE_add_cert(store, issuer) &&
              OCSP_basic_verify(basic, c->chain, store, OCSP_PARTIAL_CHAIN) == 1;

    X509_STORE_free(store);
    return ok;
}

static void check(struct staple *s, OCSP_BASICRESP *basic, OCSP_SINGLERESP *single,
                  const struct cert *c, X509 *issuer)
{
    ASN1_GENERALIZEDTIME *from, *until;
    int status = OCSP_single_get0_status(single, NULL, NULL, &from, &until);
    time_t now = time(NULL);

    s->until = until ? cert_time(until) : 0;
    *s->flaw = '\0';
    if (status == V_OCSP_CERTSTATUS_REVOKED)
        flaw(s, "it says that the certificate is revoked; get another certificate");
    else if (status != V_OCSP_CERTSTATUS_GOOD)
        flaw(s, "it does not say that the certificate is good; fetch it anew");
    else if (cert_time(from) > now + SKEW)
        flaw(s, "it is not valid yet; look at the clock");
    else if (until && s->until <= now)
        flaw(s, "it has expired; fetch it anew");
    else if (issuer && !is_signed(basic, c, issuer))
        flaw(s, "its signature is not that of the certificate's issuer; fetch it anew");
}

static void fit(struct staple *s, const struct cert *c, X509 *issuer)
{
    OCSP_BASICRESP *basic = OCSP_response_get1_basic(s->response);

    for (int i = 0; basic && i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);

        if (!is_about(OCSP_SINGLERESP_get0_id(single), c->leaf, issuer))
            continue;
        X509_up_ref(c->leaf);
        s->leaf = c->leaf;
        cert_names(c, s->names);
        check(s, basic, single, c, issuer);
        break;
    }
    OCSP_BASICRESP_free(basic);
    ERR_clear_error();
}

void staples_fit(struct staples *s, const struct cert *c)
{
    X509 *issuer = find_issuer(c);

    for (size_t i = 0; i < s->count; i++)
        if (s->at[i].len > 0 && !s->at[i].leaf)
            fit(&s->at[i], c, issuer);
}

static const struct staple *find(const struct staples *s, const X509 *leaf)
{
    time_t now = time(NULL);

    for (size_t i = 0; leaf && i < s->count; i++) {
        const struct staple *one = &s->at[i];

        if (one->leaf && !*one->flaw && (!one->until || now < one->until) &&
            X509_cmp(one->leaf, leaf) == 0)
            return one;
    }
    return NULL;
}

/* The client asked, and its certificate is chosen. What we give is OpenSSL's then. */
static int give(SSL *ssl, void *arg)
{
    const struct staple *s = find(arg, SSL_get_certificate(ssl));
    unsigned char *copy = s ? OPENSSL_memdup(s->der, (size_t)s->len) : NULL;

    if (!copy)
        return SSL_TLSEXT_ERR_NOACK;
    if (SSL_set_tlsext_status_ocsp_resp(ssl, copy, s->len) == 1)
        return SSL_TLSEXT_ERR_OK;
    OPENSSL_free(copy);
    return SSL_TLSEXT_ERR_NOACK;
}

void staples_use(struct staples *s, SSL_CTX *ctx)
{
    if (s->count == 0)
        return;
    SSL_CTX_set_tlsext_status_cb(ctx, give);
    SSL_CTX_set_tlsext_status_arg(ctx, s);
}

void staples_show(const struct staples *s, dated_fn *show, void *arg)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct staple *one = &s->at[i];

        show(arg, &(struct dated){.kind = "OCSP response",
                                  .file = one->file,
                                  .names = one->names,
                                  .until = one->until,
                                  .flaw = *one->flaw ? one->flaw : NULL});
    }
}
