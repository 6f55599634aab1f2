/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_SIZE = 16 };

static int read_key(const char *path, uint64_t key[2])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat st;
    ssize_t len = 0;

    if (fd < 0)
        return -1;
    errno = 0;
    if (fstat(fd, &st) == 0 && (st.st_mode & S_IRWXO) != 0)
        errno = EPERM;
    else
        len = read(fd, key, KEY_SIZE);
    close(fd);
    if (len == KEY_SIZE)
        return 0;
    if (errno == 0)
        errno = EINVAL;
    return -1;
}

/* Whole before it has its name; where another was faster, his counts. */
static int make_key(const char *path)
{
    char beside[4200];
    uint64_t key[2];
    int fd, error = 0;

    snprintf(beside, sizeof beside, "%s.%ld", path, (long)getpid());
    if (getrandom(key, sizeof key, 0) != sizeof key)
        return -1;
    (void)unlink(beside); /* of a process of this number that died here */
    if ((fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640)) < 0)
        return -1;
    if (fchmod(fd, 0640) != 0 || write(fd, key, sizeof key) != sizeof key || fsync(fd) != 0 ||
        (link(beside, path) != 0 && errno != EEXIST))
        error = errno ? errno : EIO;
    close(fd);
    (void)unlink(beside);
    errno = error;
    return error ? -1 : 0;
}

int secret_open(const char *folder, const char *name, uint64_t key[2], char *why, size_t size)
{
    char path[4096];

    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        errno = ENAMETOOLONG;
    else if (read_key(path, key) == 0 ||
             (errno == ENOENT && make_key(path) == 0 && read_key(path, key) == 0))
        return 0;
    snprintf(why, size, "%s: %s", path,
             errno == EINVAL  ? "is no key; remove it, a new one is made"
             : errno == EPERM ? "others can read this key; remove it, a new one is made"
                              : strerror(errno));
    return -1;
}
