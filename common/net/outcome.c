/* SPDX-License-Identifier: Apache-2.0 */
#include "net/outcome.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/alert.h"

ssize_t outcome_recv(struct conn *c, void *to, size_t size)
{
    return c->slack ? slack_recv(c->slack, to, size) : recv(c->fd, to, size, 0);
}

enum conn_got outcome_plain(struct conn *c, ssize_t n, size_t *len, unsigned needs)
{
    if (n >= 0) {
        *len = (size_t)n;
        return CONN_SOME;
    }
    if (slack_is_later(errno))
        return outcome_later(c, needs);
    return outcome_failed(c, strerror(errno));
}

enum conn_got outcome_secret(struct conn *c, int result)
{
    int error = errno;

    switch (SSL_get_error(c->tls, result)) {
    case SSL_ERROR_NONE:
        return CONN_SOME;
    case SSL_ERROR_WANT_READ:
        return outcome_later(c, CONN_IN);
    case SSL_ERROR_WANT_WRITE:
        return outcome_later(c, CONN_OUT);
    case SSL_ERROR_ZERO_RETURN:
        return CONN_OVER;
    default:
        c->foreign = ERR_GET_REASON(ERR_peek_error()) == SSL_R_NO_APPLICATION_PROTOCOL;
        c->unwanted = alert_is_unwanted(c->tls);
        return outcome_failed(c, alert_words(c->shaken, error));
    }
}

/* To clear a queue that is empty costs 880 instructions, ten times a message. */
SSL *outcome_asked(struct conn *c)
{
    if (ERR_peek_error() != 0)
        ERR_clear_error();
    errno = 0;
    return c->tls;
}
