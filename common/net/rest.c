/* SPDX-License-Identifier: Apache-2.0
 *
 * rest - what had come before a connection broke. The part of conn.h that reads all the same.
 */
#include "net/conn.h"

#include <sys/socket.h>

size_t conn_read_rest(struct conn *c, char *to, size_t size)
{
    ssize_t got = c->tls || c->fd < 0 ? -1 : recv(c->fd, to, size, MSG_DONTWAIT);

    return got > 0 ? (size_t)got : 0;
}
