/* SPDX-License-Identifier: Apache-2.0
 *
 * powercut - a disk that forgets all that was not synced. For LD_PRELOAD; T::Power is its reader.
 *
 * Below the folder POWERCUT_DISK nothing is on the "disk" but what a sync says so: fdatasync()
 * and fsync() of a file copy it, as it is when they begin, to POWERCUT_KEPT; a write through a
 * descriptor with O_DSYNC (as LMDB's of its meta pages) writes there, too; fsync() of a folder
 * lists its names there. Each copy and list appears at once, when the call ends. A file is known
 * by its inode and the time of its birth, since inodes are used again.
 *
 * What a test can do to segments of the spool meanwhile, by files in POWERCUT_KEPT: "slow" holds
 * each fdatasync() back until it is gone; "fail" makes it fail with EIO.
 */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { KEY = 80, PLACE = 4096 };

/* "INODE-BIRTH" */
static bool key_of(int fd, const char *name, int flags, char to[KEY])
{
    struct statx sx;

    if (statx(fd, name, flags, STATX_INO | STATX_BTIME, &sx) != 0)
        return false;
    snprintf(to, KEY, "%llu-%lld.%09u", (unsigned long long)sx.stx_ino,
             (long long)sx.stx_btime.tv_sec, sx.stx_btime.tv_nsec);
    return true;
}

/* Where the descriptor leads, if that is on the disk. */
static bool is_watched(int fd, char path[PLACE])
{
    const char *disk = getenv("POWERCUT_DISK");
    char link[64];
    ssize_t len;

    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    len = disk ? readlink(link, path, PLACE - 1) : -1;
    if (len < 0)
        return false;
    path[len] = '\0';
    return strncmp(path, disk, strlen(disk)) == 0 && path[strlen(disk)] == '/';
}

static void kept(char to[PLACE], const char *kind, const char *key, const char *end)
{
    snprintf(to, PLACE, "%s/%s%s%s", getenv("POWERCUT_KEPT"), kind, key, end);
}

static bool there_is(const char *name)
{
    char path[PLACE];

    kept(path, name, "", "");
    return access(path, F_OK) == 0;
}

static void end_with(const char *what)
{
    fprintf(stderr, "powercut: %s: level=error %s\n", what, strerror(errno));
    abort();
}

/* A new one, to be shown by its name once it is whole; several may be at it. */
static int open_hidden(const char *kind, const char *key, char path[PLACE])
{
    char end[32];
    int fd;

    snprintf(end, sizeof end, ".%ld", syscall(SYS_gettid));
    kept(path, kind, key, end);
    fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        end_with("open");
    return fd;
}

static void show(int fd, const char *path, const char *kind, const char *key)
{
    char name[PLACE];

    close(fd);
    kept(name, kind, key, "");
    if (rename(path, name) != 0)
        end_with("rename");
}

static void copy(int from, int to)
{
    char piece[16 << 10];
    off_t at = 0;
    ssize_t got;

    while ((got = pread(from, piece, sizeof piece, at)) > 0) {
        if (write(to, piece, (size_t)got) != got)
            end_with("write");
        at += got;
    }
}

static void keep_file(const char *at, const char *key)
{
    char path[PLACE];
    int from = open(at, O_RDONLY | O_CLOEXEC), to;

    if (from < 0) /* removed meanwhile, so it is not missed */
        return;
    to = open_hidden("file-", key, path);
    copy(from, to);
    close(from);
    show(to, path, "file-", key);
}

static void keep_folder(const char *at, const char *key)
{
    char path[PLACE], own[KEY];
    DIR *dir = opendir(at);
    int to;

    if (!dir)
        end_with("opendir");
    to = open_hidden("folder-", key, path);
    for (struct dirent *e = readdir(dir); e; e = readdir(dir))
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
            key_of(dirfd(dir), e->d_name, AT_SYMLINK_NOFOLLOW, own))
            dprintf(to, "%s %s\n", own, e->d_name);
    closedir(dir);
    show(to, path, "folder-", key);
}

/* One after the other, or an old list could take the place of a new one. */
static void keep(const char *at, const char *key, bool is_folder)
{
    char path[PLACE];
    int lock;

    kept(path, "lock", "", "");
    lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX) != 0)
        end_with("lock");
    if (is_folder)
        keep_folder(at, key);
    else
        keep_file(at, key);
    close(lock);
}

/* By the descriptor itself, for its name may be another by now. */
static int sync_it(int fd)
{
    char path[PLACE], key[KEY], link[64];
    bool spool;
    struct stat st;

    if (!is_watched(fd, path) || fstat(fd, &st) != 0 || !key_of(fd, "", AT_EMPTY_PATH, key))
        return 0;
    spool = S_ISREG(st.st_mode) && strstr(path, "/spool/");
    if (spool && there_is("fail")) {
        errno = EIO;
        return -1;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    keep(link, key, S_ISDIR(st.st_mode));
    while (spool && there_is("slow"))
        usleep(2000);
    return 0;
}

int fsync(int fd)
{
    return sync_it(fd);
}

int fdatasync(int fd)
{
    return sync_it(fd);
}

int msync(void *at, size_t len, int flags)
{
    int (*real)(void *, size_t, int) = dlsym(RTLD_NEXT, "msync");

    (void)at;
    if (flags & MS_SYNC)
        end_with("msync is not modelled");
    return real(at, len, flags);
}

static void keep_write(int fd, const void *bytes, size_t len, off_t at)
{
    char place[PLACE], path[PLACE], key[KEY];
    int to;

    if (!(fcntl(fd, F_GETFL) & O_DSYNC) || !is_watched(fd, place) ||
        !key_of(fd, "", AT_EMPTY_PATH, key))
        return;
    kept(path, "file-", key, "");
    to = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (to < 0 || (ssize_t)syscall(SYS_pwrite64, to, bytes, len, at) != (ssize_t)len)
        end_with("pwrite");
    close(to);
}

ssize_t pwrite64(int fd, const void *bytes, size_t len, off64_t at)
{
    ssize_t done = syscall(SYS_pwrite64, fd, bytes, len, at);

    if (done > 0)
        keep_write(fd, bytes, (size_t)done, at);
    return done;
}

ssize_t pwrite(int fd, const void *bytes, size_t len, off_t at)
{
    return pwrite64(fd, bytes, len, at);
}
