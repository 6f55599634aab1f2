/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* All of it, and on the disk, where there is one. */
static bool write_all(int fd, struct span bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.at, bytes.len);

        if (n < 0 && errno != EINTR)
            return false;
        bytes = span_after(bytes, n > 0 ? (size_t)n : 0);
    }
    return fsync(fd) == 0 || errno == EINVAL;
}

bool output_is_no_file(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISREG(st.st_mode);
}

static bool write_in_place(const char *path, struct span bytes)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool ok = fd >= 0 && write_all(fd, bytes);

    return (fd < 0 || close(fd) == 0) && ok;
}

/* Beside `path`, with a name that nobody takes for a finished file. False: it is too long. */
static bool name_temporary(const char *path, char *to, size_t size)
{
    const char *slash = strrchr(path, '/');
    int folder = slash ? (int)(slash + 1 - path) : 0;

    return (size_t)snprintf(to, size, "%.*s.sallyport.XXXXXX", folder, path) < size;
}

static bool replace(const char *path, struct span bytes)
{
    char temporary[4096];
    mode_t mask = umask(0);
    int fd, error;
    bool ok;

    umask(mask);
    if (!name_temporary(path, temporary, sizeof temporary)) {
        errno = ENAMETOOLONG;
        return false;
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return false;
    ok = fchmod(fd, 0666 & ~mask) == 0 && write_all(fd, bytes);
    ok = close(fd) == 0 && ok && rename(temporary, path) == 0;
    error = errno;
    if (!ok)
        unlink(temporary);
    errno = error;
    return ok;
}

bool output_put(const char *path, struct span bytes, char *why, size_t size)
{
    if (output_is_no_file(path) ? write_in_place(path, bytes) : replace(path, bytes))
        return true;
    snprintf(why, size, "%s: cannot be written: %s", path, strerror(errno));
    return false;
}
