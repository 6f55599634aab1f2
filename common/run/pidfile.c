/* SPDX-License-Identifier: Apache-2.0 */
#include "run/pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 10 };

static int open_locked(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    int saved;

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

/* Whoever went removed the file between our open and our lock: then we hold a file that
 * nobody else can see. */
static bool is_still_there(const char *path, int fd)
{
    struct stat ours, there;

    return fstat(fd, &ours) == 0 && stat(path, &there) == 0 && ours.st_ino == there.st_ino &&
           ours.st_dev == there.st_dev;
}

static int explain(const char *path, const char *name, char *why, size_t size)
{
    char pid[16] = "";
    int error = errno, fd;
    ssize_t len;

    if (error != EWOULDBLOCK) {
        snprintf(why, size, "%s: %s", path, strerror(error));
        return -1;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC);
    len = fd >= 0 ? read(fd, pid, sizeof pid - 1) : 0;
    pid[len > 0 ? strcspn(pid, "\n") : 0] = 0;
    if (fd >= 0)
        close(fd);
    snprintf(why, size, "%s runs already, as process %s (%s is locked)", name, *pid ? pid : "?",
             path);
    return -1;
}

static int write_pid(struct pidfile *p, char *why, size_t size)
{
    if (ftruncate(p->fd, 0) != 0 || fchmod(p->fd, 0644) != 0 ||
        dprintf(p->fd, "%ld\n", (long)getpid()) < 0) {
        snprintf(why, size, "%s: %s", p->path, strerror(errno));
        pidfile_drop(p);
        return -1;
    }
    return 0;
}

int pidfile_take(struct pidfile *p, const char *folder, const char *name, char *why, size_t size)
{
    int len = snprintf(p->path, sizeof p->path, "%s/%s.pid", folder, name);

    p->fd = -1;
    if (len < 0 || (size_t)len >= sizeof p->path) {
        snprintf(why, size, "%s: the name is too long", folder);
        return -1;
    }
    for (int i = 0; i < TRIES; i++) {
        p->fd = open_locked(p->path);
        if (p->fd < 0)
            return explain(p->path, name, why, size);
        if (is_still_there(p->path, p->fd))
            return write_pid(p, why, size);
        close(p->fd);
    }
    snprintf(why, size, "%s: others make and remove it all the time", p->path);
    p->fd = -1;
    return -1;
}

void pidfile_drop(struct pidfile *p)
{
    if (p->fd < 0)
        return;
    /* The folder may be one that we may no longer write to; an empty file says as much. */
    (void)!ftruncate(p->fd, 0);
    unlink(p->path);
    pidfile_forget(p);
}

void pidfile_forget(struct pidfile *p)
{
    if (p->fd >= 0)
        close(p->fd);
    p->fd = -1;
}
