/* SPDX-License-Identifier: Apache-2.0
 *
 * alpn - which protocol TLS is for (RFC 7301): the part of tls.h that keeps a browser's session
 * from being led to a mail server (ALPACA).
 */
#include "net/tls.h"

#include <openssl/ssl.h>

/* Called for resumed sessions too, and not where the client says nothing of protocols. Those of
 * SMTP are in our order; Exim knows the second. */
static int choose_smtp(SSL *s, const unsigned char **out, unsigned char *out_len,
                       const unsigned char *offered, unsigned len, void *arg)
{
    static const unsigned char ours[] = "\4smtp\5esmtp";
    unsigned char *found;

    (void)s;
    (void)arg;
    if (SSL_select_next_proto(&found, out_len, ours, sizeof ours - 1, offered, len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL; /* no_application_protocol */
    *out = found;
    return SSL_TLSEXT_ERR_OK;
}

void alpn_use(SSL_CTX *ctx)
{
    SSL_CTX_set_alpn_select_cb(ctx, choose_smtp, NULL);
}
