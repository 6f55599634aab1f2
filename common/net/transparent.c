/* SPDX-License-Identifier: Apache-2.0
 *
 * transparent - addresses that are not ours: the part of conn.h that asks the kernel to send from
 * them, and whether it was them that somebody called.
 */
#include "net/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* SO_ORIGINAL_DST and IP6T_SO_ORIGINAL_DST; the kernel's headers that say so do not go with libc's.
 */
enum { ORIGINAL_DST = 80 };

static int open_transparent(bool v4)
{
    int fd = socket(v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int level = v4 ? IPPROTO_IP : IPPROTO_IPV6, option = v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT;

    if (fd >= 0 && setsockopt(fd, level, option, &(int){1}, sizeof(int)) != 0) {
        int error = errno;

        close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static bool bind_to(int fd, const struct addr *source)
{
    struct sockaddr_storage from;
    unsigned len = addr_to_sockaddr(source, (struct sockaddr *)&from, sizeof from);

    return bind(fd, (struct sockaddr *)&from, len) == 0;
}

bool conn_bind_as(struct conn *c, const struct addr *client, const struct addr *to)
{
    struct addr source = *client;
    bool v4 = addr_is_v4(to), same = addr_is_v4(client) == v4;

    source.port = 0;
    conn_init(c, same ? open_transparent(v4) : -1);
    if (c->fd >= 0 && bind_to(c->fd, &source))
        return true;
    c->broken = true;
    c->why = same ? strerror(errno) : "the client's address is of the other IP version";
    return false;
}

bool conn_may_bind_as(void)
{
    int fd = open_transparent(true);

    if (fd >= 0)
        close(fd);
    return fd >= 0;
}

bool conn_meant(const struct conn *c, struct addr *out)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    struct addr here, meant;
    bool v4;

    if (!conn_local(c, &here))
        return false;
    v4 = addr_is_v4(&here);
    if (getsockopt(c->fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, ORIGINAL_DST, &name, &len) != 0 ||
        !addr_of_sockaddr((struct sockaddr *)&name, &meant) || addr_is_same(&here, &meant))
        return false;
    *out = meant;
    return true;
}
