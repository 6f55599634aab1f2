/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dane.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "net/digest.h"

static bool is_said(const char *text)
{
    return text && *text;
}

/* OpenSSL keeps records with a session that has not begun: this one never does. Records that it
 * cannot use are left out (a certificate or key that is none); `*usable` are left. */
static SSL *hold(SSL_CTX *ctx, const struct dane *d, size_t *usable)
{
    SSL *s = SSL_new(ctx);
    bool ok = s && SSL_dane_enable(s, d->base) > 0 &&
              (!is_said(d->domain) || SSL_add1_host(s, d->domain) == 1);

    *usable = 0;
    for (size_t i = 0; ok && i < d->count; i++) {
        const struct tlsa *t = &d->at[i];
        int added = SSL_dane_tlsa_add(s, t->usage, t->selector, t->matching, t->data, t->len);

        ok = added >= 0;
        *usable += added > 0;
    }
    if (ok)
        return s;
    SSL_free(s);
    return NULL;
}

static enum dane_state state_of(int error)
{
    switch (error) {
    case X509_V_OK:
        return DANE_MATCHED;
    case X509_V_ERR_HOSTNAME_MISMATCH:
        return DANE_OTHER_NAME;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return DANE_EXPIRED;
    default:
        return DANE_UNMATCHED;
    }
}

/* As OpenSSL would do it in the handshake. */
static enum dane_state verify(const SSL *shown, SSL *held)
{
    SSL_CTX *ctx = SSL_get_SSL_CTX(shown);
    X509_STORE_CTX *check = X509_STORE_CTX_new();
    enum dane_state state = DANE_UNMATCHED;

    if (check &&
        X509_STORE_CTX_init(check, SSL_CTX_get_cert_store(ctx), SSL_get0_peer_certificate(shown),
                            SSL_get_peer_cert_chain(shown)) == 1 &&
        X509_STORE_CTX_set_default(check, "ssl_server") == 1) {
        X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(check);

        X509_VERIFY_PARAM_set_auth_level(param, SSL_get_security_level(shown));
        if (X509_VERIFY_PARAM_set1(param, SSL_get0_param(held)) == 1) {
            X509_STORE_CTX_set0_dane(check, SSL_get0_dane(held));
            /* Without an error, yet not verified, is a lack of memory. */
            if (X509_verify_cert(check) == 1 || X509_STORE_CTX_get_error(check) != X509_V_OK)
                state = state_of(X509_STORE_CTX_get_error(check));
        }
    }
    X509_STORE_CTX_free(check);
    return state;
}

enum dane_state conn_dane_state(const struct conn *c, const struct dane *d)
{
    enum dane_state state = DANE_UNMATCHED;
    size_t usable;
    SSL *held;

    if (!c->tls || !SSL_get0_peer_certificate(c->tls) || d->count == 0)
        return DANE_UNMATCHED;
    held = hold(SSL_get_SSL_CTX(c->tls), d, &usable);
    if (held)
        state = usable > 0 ? verify(c->tls, held) : DANE_UNUSABLE;
    SSL_free(held);
    ERR_clear_error();
    return state;
}

void dane_digest(const struct dane *d, struct digest *to)
{
    digest_add(to, span_of(d->base ? d->base : ""));
    digest_add(to, span_of(d->domain ? d->domain : ""));
    digest_add(to, (struct span){(const char *)&d->count, sizeof d->count});
    for (size_t i = 0; i < d->count; i++) {
        const struct tlsa *t = &d->at[i];
        const char head[] = {(char)t->usage, (char)t->selector, (char)t->matching};

        digest_add(to, (struct span){head, sizeof head});
        digest_add(to, (struct span){(const char *)t->data, t->len});
    }
}
