/* SPDX-License-Identifier: Apache-2.0
 *
 * rest - what had come before a connection broke. The part of conn.h that reads all the same.
 */
#include "net/outcome.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

enum { DATALESS = 4 }; /* records in a row, such as tickets */

/* It was a write that failed, and what is read needs none. */
static size_t read_secret(struct ssl_st *tls, char *to, size_t size)
{
    for (unsigned round = 0; round < DATALESS; round++) {
        size_t len = 0;

        ERR_clear_error();
        int got = SSL_read_ex(tls, to, size, &len);

        if (got == 1)
            return len;
        if (SSL_get_error(tls, got) != SSL_ERROR_WANT_READ)
            return 0;
    }
    return 0;
}

size_t conn_read_rest(struct conn *c, char *to, size_t size)
{
    ssize_t got;

    if (c->fd < 0 || (c->tls && !c->shaken))
        return 0;
    if (c->tls)
        return read_secret(c->tls, to, size);
    got = outcome_recv(c, to, size);
    return got > 0 ? (size_t)got : 0;
}
