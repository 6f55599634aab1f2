/* SPDX-License-Identifier: Apache-2.0
 *
 * dialling - how a connection comes about: the part of conn.h that calls.
 */
#include "net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/outcome.h"

static bool open_socket(struct conn *c, int family)
{
    if (c->fd >= 0)
        return true;
    conn_init(c, socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    return c->fd >= 0;
}

static bool bind_to(struct conn *c, const struct addr *source)
{
    struct sockaddr_storage from;
    unsigned len = addr_to_sockaddr(source, (struct sockaddr *)&from, sizeof from);

    return bind(c->fd, (struct sockaddr *)&from, len) == 0;
}

/* EAGAIN: the queue of a unix socket is full, and nobody tells when it no longer is. */
static enum conn_got begin_to_connect(struct conn *c, const struct sockaddr *there, socklen_t len)
{
    if (connect(c->fd, there, len) == 0)
        return CONN_SOME;
    if (errno == EINPROGRESS || errno == EINTR)
        return outcome_later(c, CONN_OUT);
    return outcome_failed(c, errno == EAGAIN ? "its queue is full" : strerror(errno));
}

enum conn_got conn_dial(struct conn *c, const struct addr *to, const struct addr *source)
{
    struct sockaddr_storage there;
    unsigned len = addr_to_sockaddr(to, (struct sockaddr *)&there, sizeof there);

    if (!open_socket(c, there.ss_family))
        return outcome_failed(c, strerror(errno));
    if (source) {
        /* The port may then be one that is in use towards another server. */
        if (source->port == 0)
            (void)setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){1}, sizeof(int));
        if (!bind_to(c, source))
            return outcome_failed(c, strerror(errno));
    }
    return begin_to_connect(c, (struct sockaddr *)&there, len);
}

enum conn_got conn_dial_unix(struct conn *c, const char *path)
{
    struct sockaddr_un there = {.sun_family = AF_UNIX};

    strncpy(there.sun_path, path, sizeof there.sun_path - 1);
    if (!open_socket(c, AF_UNIX))
        return outcome_failed(c, strerror(errno));
    return begin_to_connect(c, (struct sockaddr *)&there, sizeof there);
}

enum conn_got conn_dialled(struct conn *c)
{
    int error = 0;
    struct sockaddr_storage peer;
    socklen_t len = sizeof error, peer_len = sizeof peer;

    if (getpeername(c->fd, (struct sockaddr *)&peer, &peer_len) == 0)
        return CONN_SOME;
    if (errno != ENOTCONN || getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0)
        error = errno;
    return error ? outcome_failed(c, strerror(error)) : outcome_later(c, CONN_OUT);
}

/* Which of our addresses the kernel takes towards `to`; a datagram socket that connects sends
 * nothing and tells. */
static bool find_source(const struct addr *to, struct addr *source)
{
    struct sockaddr_storage there;
    unsigned len = addr_to_sockaddr(to, (struct sockaddr *)&there, sizeof there);
    struct conn probe = {.fd = socket(there.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0)};

    if (probe.fd < 0)
        return false;
    bool ok = connect(probe.fd, (struct sockaddr *)&there, len) == 0 && conn_local(&probe, source);
    close(probe.fd);
    source->port = 0;
    return ok;
}

bool conn_bind(struct conn *c, const struct addr *source, const struct addr *to)
{
    struct addr found;

    if (!source) {
        if (!find_source(to, &found)) {
            (void)outcome_failed(c, strerror(errno));
            return false;
        }
        source = &found;
    }
    if (open_socket(c, addr_is_v4(to) ? AF_INET : AF_INET6) && bind_to(c, source))
        return true;
    (void)outcome_failed(c, strerror(errno));
    return false;
}
