/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/csv.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tell/log.h"

void csv_init(struct csv *c)
{
    *c = (struct csv){.fd = -1};
}

void csv_clear(struct csv *c)
{
    if (c->fd >= 0)
        close(c->fd);
    csv_init(c);
}

static bool is_it(const struct csv *c, const struct stat *st)
{
    return c->fd >= 0 && c->device == st->st_dev && c->inode == st->st_ino;
}

static const char *reason(int error)
{
    if (error == ELOOP)
        return "it is a symbolic link; name the file itself";
    return strerror(error);
}

/* On one byte far behind all that a file may hold. Where locks are not known we do without; and
 * where one who may read the file locks it against us, who cannot be an accountant. */
static bool lock(int fd)
{
    struct flock far = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = INT64_MAX - 1, .l_len = 1};

    if (fcntl(fd, F_OFD_SETLK, &far) == 0 || (errno != EAGAIN && errno != EACCES))
        return true;
    return fcntl(fd, F_OFD_GETLK, &far) == 0 && far.l_type != F_WRLCK;
}

static int open_or_make(const char *path, mode_t mode)
{
    int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW;
    int fd = open(path, flags);

    if (fd >= 0 || errno != ENOENT)
        return fd;
    fd = open(path, flags | O_CREAT | O_EXCL, mode);
    if (fd >= 0 && fchmod(fd, mode) != 0)
        log_say(LOG_FAULT, "", "csv-mode", {"file", span_of(path)},
                {"why", span_of(strerror(errno))});
    return fd;
}

static void note(struct csv *c, const struct stat *st)
{
    c->device = st->st_dev;
    c->inode = st->st_ino;
    c->size = (uint64_t)st->st_size;
}

bool csv_find(struct csv *c, const char *path, mode_t mode, const char **why)
{
    struct stat st;

    if (c->fd >= 0 && lstat(path, &st) == 0 && is_it(c, &st)) {
        note(c, &st);
        return true;
    }
    csv_clear(c);
    c->fd = open_or_make(path, mode);
    if (c->fd < 0 || fstat(c->fd, &st) != 0)
        *why = reason(errno);
    else if (!S_ISREG(st.st_mode))
        *why = "it is no plain file";
    else if (!lock(c->fd))
        *why = "another accountant writes it; let each have its own acct-file";
    else {
        note(c, &st);
        return true;
    }
    csv_clear(c);
    return false;
}

/* The name is of use at once only: it may be moved again. */
static bool open_moved(struct csv *c, int folder, const char *name, uint64_t device, uint64_t inode)
{
    struct stat st;

    csv_clear(c);
    c->fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);
    if (c->fd >= 0 && fstat(c->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_dev == device &&
        st.st_ino == inode) {
        note(c, &st);
        return true;
    }
    csv_clear(c);
    return false;
}

bool csv_find_moved(struct csv *c, struct span folder, uint64_t device, uint64_t inode)
{
    char path[4100];
    struct dirent *e;
    bool found = false;
    DIR *d;

    snprintf(path, sizeof path, "%.*s", SPAN_ARG(folder));
    d = opendir(path);
    while (d && !found && (e = readdir(d)))
        found = e->d_ino == inode && open_moved(c, dirfd(d), e->d_name, device, inode);
    if (d)
        closedir(d);
    return found;
}

/* Does the file have these bytes at `at`? */
static size_t count_same(const struct csv *c, uint64_t at, struct span text)
{
    char bytes[16384];
    size_t same = 0;

    while (same < text.len) {
        size_t most = text.len - same < sizeof bytes ? text.len - same : sizeof bytes;
        ssize_t got = pread(c->fd, bytes, most, (off_t)(at + same));

        if (got <= 0)
            break;
        if (memcmp(bytes, text.at + same, (size_t)got) != 0) {
            for (size_t i = 0; bytes[i] == text.at[same]; i++)
                same++;
            break;
        }
        same += (size_t)got;
    }
    return same;
}

/* JSON has no header, but its lines begin like none of CSV. */
bool csv_has_header(const struct csv *c, struct span header)
{
    if (header.len == 0)
        header = SPAN("{");
    return count_same(c, 0, header) == header.len;
}

bool csv_ends_in_a_line(const struct csv *c)
{
    char last = '\n';

    return c->size == 0 || (pread(c->fd, &last, 1, (off_t)c->size - 1) == 1 && last == '\n');
}

size_t csv_same(const struct csv *c, uint64_t offset, const struct csv_text *text, bool *other)
{
    size_t same = 0;

    *other = c->size < offset;
    if (c->size <= offset)
        return 0;
    for (size_t i = 0; i < COUNT_OF(text->part); i++) {
        size_t here = count_same(c, offset + same, text->part[i]);

        same += here;
        if (here < text->part[i].len)
            break;
    }
    *other = same < text->part[0].len + text->part[1].len && offset + same < c->size;
    return same;
}

static bool write_part(int fd, uint64_t at, struct span part)
{
    while (part.len > 0) {
        ssize_t done = pwrite(fd, part.at, part.len, (off_t)at);

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            errno = done == 0 ? ENOSPC : errno;
            return false;
        }
        at += (size_t)done;
        part = span_after(part, (size_t)done);
    }
    return true;
}

bool csv_write(const struct csv *c, uint64_t offset, const struct csv_text *text, size_t from)
{
    size_t all = text->part[0].len + text->part[1].len;

    if (from < all &&
        fallocate(c->fd, FALLOC_FL_KEEP_SIZE, (off_t)(offset + from), (off_t)(all - from)) != 0 &&
        (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
        return false;
    for (size_t i = 0; i < COUNT_OF(text->part); i++) {
        struct span part = text->part[i];
        size_t skipped = from < part.len ? from : part.len;

        if (!write_part(c->fd, offset + skipped, span_after(part, skipped)))
            return false;
        offset += part.len;
        from -= skipped;
    }
    return true;
}

size_t csv_count(const struct csv *c, bool has_header)
{
    char bytes[65536];
    size_t lines = 0;
    off_t at = 0;
    ssize_t got;

    while ((got = pread(c->fd, bytes, sizeof bytes, at)) > 0) {
        at += got;
        for (struct span rest = {bytes, (size_t)got}; rest.len > 0;) {
            const char *end = memchr(rest.at, '\n', rest.len);

            if (!end)
                break;
            lines++;
            rest = span_after(rest, (size_t)(end - rest.at) + 1);
        }
    }
    return has_header && lines > 0 ? lines - 1 : lines;
}
