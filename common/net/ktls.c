/* SPDX-License-Identifier: Apache-2.0 */
#include "net/ktls.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* Only a connected socket may have it. To one that listens it connects at once. */
static bool try_it(int door, int fd)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof at;

    return bind(door, (struct sockaddr *)&at, len) == 0 && listen(door, 1) == 0 &&
           getsockname(door, (struct sockaddr *)&at, &len) == 0 &&
           connect(fd, (struct sockaddr *)&at, len) == 0 &&
           setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof "tls" - 1) == 0;
}

bool ktls_is_there(void)
{
    static enum { UNKNOWN, THERE, MISSING } is;

    if (is == UNKNOWN) {
        int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        is = door >= 0 && fd >= 0 && try_it(door, fd) ? THERE : MISSING;
        if (door >= 0)
            close(door);
        if (fd >= 0)
            close(fd);
    }
    return is == THERE;
}
