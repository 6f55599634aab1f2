/* SPDX-License-Identifier: Apache-2.0 */
#include "behind/reach.h"

enum conn_got reach_dial(struct conn *c, const struct backend *b,
                         const struct backend_server *server, const struct addr *as)
{
    if (server->path)
        return conn_dial_unix(c, server->path);
    if (as)
        return conn_bind_as(c, as, &server->at) ? conn_dial(c, &server->at, NULL) : CONN_FAILED;
    return conn_dial(c, &server->at, b->has_from ? &b->from : NULL);
}

struct tls_client_conf reach_tls(const struct backend *b)
{
    return (struct tls_client_conf){
        .cert = b->tls_certificate.count ? b->tls_certificate.at[0]
                                         : (struct cert_file){.file = "", .password = ""},
        .ca_file = b->tls_ca_file,
        .ciphers = "",
        .ciphersuites = "",
        .least = (enum tls_protocol)b->tls_min_protocol,
        .security_level = b->tls_min_protocol < TLS_1_2 ? 0 : -1,
    };
}

static const char *wrong_with(enum cert_state state)
{
    switch (state) {
    case CERT_OK:
        return NULL;
    case CERT_EXPIRED:
        return "its certificate is out of date";
    case CERT_OTHER_NAME:
        return "its certificate is not for tls-name";
    case CERT_UNTRUSTED:
        break;
    }
    return "its certificate comes from no CA of tls-ca-file";
}

enum conn_got reach_secure(struct conn *c, const struct backend *b, struct tls *how)
{
    bool named = b->tls_verify == BACKEND_VERIFY_NAME;
    enum conn_got got = conn_connect_tls(c, how, *b->tls_name ? b->tls_name : NULL, NULL);

    if (got == CONN_OVER)
        c->why = "closed in the handshake";
    if (got != CONN_SOME || b->tls_verify == BACKEND_VERIFY_NONE)
        return got;
    c->why = wrong_with(conn_cert_state(c, named ? b->tls_name : NULL));
    return c->why ? CONN_FAILED : CONN_SOME;
}
