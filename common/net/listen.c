/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listen.h"

#include <errno.h>
#include <limits.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

/* sd_listen_fds(3): the first descriptor that is passed. */
enum { PASSED_FROM = 3 };

/* Bytes of answers that the kernel may hold for whoever called us (it counts twice that). Answers
 * are short; left to itself it grows to 4 MB for each one that asks and does not read. */
enum { ANSWERS_HELD = 65536 };

static int fail(const struct addr *at, const char *step, char *why, size_t size)
{
    char text[ADDR_TEXT];
    const char *remedy = "";

    if (errno == EADDRINUSE)
        remedy = "; another program listens there";
    else if (errno == EADDRNOTAVAIL)
        remedy = "; this machine has no such address";
    else if (errno == EACCES)
        remedy = "; a port below 1024 needs root or CAP_NET_BIND_SERVICE";
    else if (errno == EPERM)
        remedy = "; root or CAP_NET_RAW may do it";
    (void)snprintf(why, size, "%s: %s: %s%s", addr_port_text(at, text), step, strerror(errno),
                   remedy);
    return -1;
}

static bool set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof value) == 0;
}

static bool turn_on(int fd, int level, int option)
{
    return set(fd, level, option, 1);
}

static bool be_transparent(int fd, bool v4)
{
    return turn_on(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT);
}

/* All addresses of its family, at the same port. */
static struct addr any_like(const struct addr *at)
{
    struct addr any = *at;

    memset(addr_is_v4(at) ? any.ip + 12 : any.ip, 0, addr_is_v4(at) ? 4 : 16);
    return any;
}

static int make(const struct addr *at, unsigned how, char *why, size_t size)
{
    bool loopback_device = how & LISTEN_LOOPBACK_DEVICE;
    struct addr bound = loopback_device ? any_like(at) : *at;
    struct sockaddr_storage name;
    unsigned len = addr_to_sockaddr(&bound, (struct sockaddr *)&name, sizeof name);
    int fd = socket(name.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const char *step = NULL;

    if (fd < 0)
        return fail(at, "socket", why, size);
    if (!turn_on(fd, SOL_SOCKET, SO_REUSEADDR))
        step = "SO_REUSEADDR";
    else if (name.ss_family == AF_INET6 && !turn_on(fd, IPPROTO_IPV6, IPV6_V6ONLY))
        step = "IPV6_V6ONLY";
    else if (loopback_device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3) != 0)
        step = "binding to the loopback device";
    else if ((how & LISTEN_TRANSPARENT) && !be_transparent(fd, name.ss_family == AF_INET))
        step = "listening for TPROXY";
    else if (!set(fd, SOL_SOCKET, SO_SNDBUF, ANSWERS_HELD)) /* accepted ones inherit it */
        step = "SO_SNDBUF";
    else if (bind(fd, (struct sockaddr *)&name, len) != 0)
        step = "bind";
    else if (listen(fd, SOMAXCONN) != 0)
        step = "listen";
    if (!step)
        return fd;
    (void)fail(at, step, why, size);
    close(fd);
    return -1;
}

static unsigned long number_of(const char *variable)
{
    const char *text = getenv(variable);

    return text ? strtoul(text, NULL, 10) : 0;
}

static bool is_known(const struct listens *all, int fd)
{
    for (size_t i = 0; i < all->count; i++)
        if (all->at[i].fd == fd)
            return true;
    return false;
}

static bool is_at(const struct sockaddr *name, const void *at)
{
    struct addr bound;

    return addr_of_sockaddr(name, &bound) && addr_is_same(&bound, at);
}

static bool listens_at(int fd, listen_is_fn *is, const void *at)
{
    struct sockaddr_storage name = {.ss_family = AF_UNSPEC};
    socklen_t len = sizeof name, size = sizeof(int);
    int accepts = 0;

    return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &size) == 0 && accepts &&
           getsockname(fd, (struct sockaddr *)&name, &len) == 0 && is((struct sockaddr *)&name, at);
}

int listens_find_passed(const struct listens *all, listen_is_fn *is, const void *at)
{
    unsigned long count = number_of("LISTEN_FDS");

    if (number_of("LISTEN_PID") != (unsigned long)getpid() || count > 1024)
        return -1;
    for (int fd = PASSED_FROM; fd < PASSED_FROM + (int)count; fd++) {
        if (is_known(all, fd) || !listens_at(fd, is, at))
            continue;
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        (void)fcntl(fd, F_SETFL, O_NONBLOCK | fcntl(fd, F_GETFL));
        return fd;
    }
    return -1;
}

int listens_open(struct listens *all, const struct addr *at, unsigned how, char *why, size_t size)
{
    for (struct listen *l = all->at; l < all->at + all->count; l++)
        if (!l->path && addr_is_same(&l->at, at) && l->how == how) {
            l->wanted = true;
            return l->fd;
        }
    if (all->count == LISTEN_MAX) {
        (void)snprintf(why, size, "more than %d listeners", LISTEN_MAX);
        return -1;
    }
    int fd = how ? -1 : listens_find_passed(all, is_at, at);

    if (fd < 0)
        fd = make(at, how, why, size);
    if (fd >= 0)
        all->at[all->count++] = (struct listen){.at = *at, .how = how, .fd = fd, .wanted = true};
    return fd;
}

void listens_unmark(struct listens *all)
{
    for (size_t i = 0; i < all->count; i++)
        all->at[i].wanted = false;
}

void listens_want(struct listens *all, int fd)
{
    for (size_t i = 0; i < all->count; i++)
        all->at[i].wanted |= all->at[i].fd == fd;
}

void listens_close_unwanted(struct listens *all)
{
    size_t kept = 0;

    for (size_t i = 0; i < all->count; i++)
        if (all->at[i].wanted) {
            all->at[kept++] = all->at[i];
        } else {
            close(all->at[i].fd);
            listen_forget_file(&all->at[i]);
        }
    all->count = kept;
}

int listen_accept(int fd, struct addr *client, bool *full)
{
    struct sockaddr_storage name;
    socklen_t len = sizeof name;
    int got = accept4(fd, (struct sockaddr *)&name, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

    *full = got < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM);
    if (got >= 0 && name.ss_family == AF_UNIX) {
        *client = (struct addr){.ip = {[10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1}};
    } else if (got >= 0 && !addr_of_sockaddr((struct sockaddr *)&name, client)) {
        close(got);
        got = -1;
    }
    return got;
}

unsigned long listen_capacity_under(unsigned long files, unsigned long wanted)
{
    enum { OTHERS = 64 }; /* listeners, the loop, the spool, libraries */

    if (wanted <= (ULONG_MAX - OTHERS) / 2 && files >= 2 * wanted + OTHERS)
        return wanted;
    return files > OTHERS + 2 ? (files - OTHERS) / 2 : 1;
}

unsigned long listen_capacity(unsigned long wanted)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY)
        return wanted;
    return listen_capacity_under(files.rlim_cur, wanted);
}
