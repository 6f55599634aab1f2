/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.at, bytes.len);

        if (n < 0 && errno != EINTR)
            return false;
        bytes = span_after(bytes, n > 0 ? (size_t)n : 0);
    }
    return fsync(fd) == 0;
}

/* False: errno. */
static bool put(char *temporary, const char *path, struct span bytes)
{
    int fd, error;
    mode_t mask = umask(0);
    bool ok;

    umask(mask);
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return false;
    ok = fchmod(fd, 0666 & ~mask) == 0 && write_all(fd, bytes) && rename(temporary, path) == 0;
    error = errno;
    close(fd);
    if (!ok)
        unlink(temporary);
    errno = error;
    return ok;
}

bool file_put(const char *folder, const char *name, struct span bytes, char *why, size_t size)
{
    char temporary[4200], path[4200];

    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) < sizeof path &&
        (size_t)snprintf(temporary, sizeof temporary, "%s/.tlsrpt.XXXXXX", folder) <
            sizeof temporary &&
        put(temporary, path, bytes))
        return true;
    snprintf(why, size, "%s: cannot be written: %s", path, strerror(errno));
    return false;
}
