/* SPDX-License-Identifier: Apache-2.0 */
#include "net/alert.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

const char *alert_words(bool shaken, int error)
{
    unsigned long first = ERR_peek_error();
    const char *text = first ? ERR_reason_error_string(first) : NULL;

    if (first && ERR_GET_REASON(first) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return shaken ? "closed without close_notify" : "closed in the handshake";
    if (text)
        return text;
    return error ? strerror(error) : "closed without close_notify";
}

bool alert_is_unwanted(const struct ssl_st *s)
{
    if (SSL_is_server(s))
        return false;
    switch (ERR_GET_REASON(ERR_peek_error())) {
    case SSL_R_SSLV3_ALERT_NO_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
    case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
        return true;
    case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
        /* With TLS 1.2, all that is said to who was asked for a certificate and had none. */
        return SSL_get0_peer_CA_list(s) != NULL;
    default:
        return false;
    }
}

bool alert_waits_unwanted(struct ssl_st *s)
{
    char word;
    size_t len;

    ERR_clear_error();
    return SSL_peek_ex(s, &word, 1, &len) != 1 && alert_is_unwanted(s);
}
