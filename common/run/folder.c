/* SPDX-License-Identifier: Apache-2.0 */
#include "run/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int folder_make(const char *path, enum folder_of of, const struct cage *cage, char *why,
                size_t size)
{
    mode_t mode = of == FOLDER_OF_MASTER ? 01770 : 0750;
    struct stat there;

    if (stat(path, &there) == 0) {
        if (S_ISDIR(there.st_mode))
            return 0;
        snprintf(why, size, "%s: is not a folder", path);
        return -1;
    }
    /* Mode before owner: it is ours to change only while it is ours. Nobody else can be in
     * the way: if the parent is such that others could, the administrator chose so. */
    if (mkdir(path, 0700) != 0 || chmod(path, mode) != 0 ||
        (cage->moves &&
         lchown(path, of == FOLDER_OF_MASTER ? geteuid() : cage->uid, cage->gid) != 0)) {
        snprintf(why, size, "%s: cannot make this folder: %s", path, strerror(errno));
        rmdir(path); /* rather none than one that the wrong people can read */
        return -1;
    }
    return 0;
}

bool folder_sync(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), done;

    if (fd < 0)
        return false;
    done = fsync(fd);
    close(fd);
    return done == 0;
}
