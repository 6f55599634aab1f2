/* SPDX-License-Identifier: Apache-2.0 */
#include "net/listen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 64 }; /* of our own children */

static int fail(const char *path, const char *step, char *why, size_t size)
{
    const char *remedy = "";

    if (errno == ENOENT)
        remedy = "; make the folder";
    else if (errno == EACCES || errno == EPERM)
        remedy = "; choose a folder and a group that we may use";
    (void)snprintf(why, size, "unix:%s: %s: %s%s", path, step, strerror(errno), remedy);
    return -1;
}

static struct sockaddr_un name_of(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    memcpy(name.sun_path, path, strlen(path) + 1);
    return name;
}

/* Does a program answer there, so that the file is no leftover? */
static bool is_alive(const char *path)
{
    struct sockaddr_un name = name_of(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    bool alive =
        fd >= 0 && (connect(fd, (struct sockaddr *)&name, sizeof name) == 0 || errno == EAGAIN);

    if (fd >= 0)
        close(fd);
    return alive;
}

/* The group first: a mode that lets more in than the old group's is never there. */
static const char *give(const char *path, unsigned mode, unsigned gid)
{
    if (chown(path, (uid_t)-1, (gid_t)gid) != 0)
        return "socket-group";
    return chmod(path, mode) != 0 ? "socket-mode" : NULL;
}

/* Made beside, and moved into place: at no time is there no socket, or one for the wrong ones. */
static int make(const struct listen_file *file, struct listen *l, char *why, size_t size)
{
    char beside[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct sockaddr_un name;
    const char *step = NULL;
    struct stat made;
    mode_t mask;
    int bound;

    (void)snprintf(beside, sizeof beside, "%s%s", file->path, LISTEN_BESIDE);
    name = name_of(beside);
    l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd < 0)
        return fail(file->path, "socket", why, size);
    (void)unlink(beside);
    mask = umask(0177);
    bound = bind(l->fd, (struct sockaddr *)&name, sizeof name);
    umask(mask);
    if (bound != 0)
        step = "bind";
    else if (!(step = give(beside, file->mode, file->gid)) && listen(l->fd, SOMAXCONN) != 0)
        step = "listen";
    else if (!step && (stat(beside, &made) != 0 || rename(beside, file->path) != 0))
        step = "rename";
    if (!step) {
        l->inode = made.st_ino;
        return l->fd;
    }
    (void)fail(file->path, step, why, size);
    (void)unlink(beside);
    close(l->fd);
    return -1;
}

static bool is_at(const struct sockaddr *name, const void *path)
{
    return name->sa_family == AF_UNIX &&
           !strcmp(((const struct sockaddr_un *)(const void *)name)->sun_path, path);
}

/* A new file. Not over what is there and lives. */
static int make_new(const struct listen_file *file, struct listen *l, char *why, size_t size)
{
    struct stat there;

    if (lstat(file->path, &there) == 0 && (!S_ISSOCK(there.st_mode) || is_alive(file->path))) {
        (void)snprintf(why, size, "unix:%s: %s; choose another path", file->path,
                       S_ISSOCK(there.st_mode) ? "another program listens there"
                                               : "there is a file that is no socket");
        return -1;
    }
    l->maker = getpid();
    return make(file, l, why, size);
}

int listens_open_file(struct listens *all, const struct listen_file *file, char *why, size_t size)
{
    struct listen l = {.wanted = true};
    const char *step;

    for (struct listen *o = all->at; o < all->at + all->count; o++)
        if (o->path && !strcmp(o->path, file->path)) {
            o->wanted = true;
            step = o->maker ? give(o->path, file->mode, file->gid) : NULL;
            return step ? fail(file->path, step, why, size) : o->fd;
        }
    if (all->count == LISTEN_MAX) {
        (void)snprintf(why, size, "more than %d listeners", LISTEN_MAX);
        return -1;
    }
    l.fd = listens_find_passed(all, is_at, file->path);
    if (!(l.path = strdup(file->path)) || (l.fd < 0 && make_new(file, &l, why, size) < 0)) {
        free(l.path);
        return -1;
    }
    all->at[all->count++] = l;
    return l.fd;
}

void listen_forget_file(struct listen *l)
{
    struct stat now;

    /* Workers inherit the sockets; and another may have put its own there since. */
    if (l->path && l->maker == getpid() && lstat(l->path, &now) == 0 && now.st_ino == l->inode)
        (void)unlink(l->path);
    free(l->path);
    l->path = NULL;
}

bool listen_caller(int fd, unsigned *uid, unsigned *pid)
{
    struct ucred who;
    socklen_t len = sizeof who;

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0)
        return false;
    *uid = who.uid;
    *pid = (unsigned)who.pid;
    return true;
}

/* The kernel chooses a name, which can be read off the socket. */
int listen_nameless(const char *what, char *why, size_t size)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at.sun_family) == 0 &&
        listen(fd, BACKLOG) == 0)
        return fd;
    (void)snprintf(why, size, "%s: %s", what, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}
