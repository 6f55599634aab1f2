/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "tell/record.h"
#include "tell/tail.h"

/* A segment is closed when it has grown to this. */
enum { SEGMENT = 8 << 20 };

/* So much of one is read at once. */
enum { READ_PIECE = 64 << 10 };

/* "1792361234567890-00062f1a5b3c4d5e.1234567.1-000001.delivered". What is stored through memory has
 * MAPPED behind that: an accountant of before would take the zeroes at its end for a bad line and
 * pass over what is stored there later, and leaves alone what it does not know. */
#define NAME_FORMAT "%016" PRIu64 "-%s-%06u.%s%s"
#define MAPPED ".mapped"

struct spool {
    int folder;
    struct tail segment;
    bool maps;
    char kind[16], writer[48], name[SPOOL_NAME];
    unsigned number; /* of segments so far */
    uint64_t made;   /* when the last one was made, in microseconds */
    size_t aside;    /* set aside and not yet used up or given back */
    spool_segment_fn *fn;
    void *arg;
};

static uint64_t micros(void)
{
    return (uint64_t)(clock_now() * 1e6);
}

/* An open file description's lock: it goes when the process dies, and a reader may ask for it
 * without taking it. */
static bool lock(int fd)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_SETLK, &l) == 0;
}

static bool is_locked(int fd)
{
    struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET};

    return fcntl(fd, F_OFD_GETLK, &l) != 0 || l.l_type != F_UNLCK;
}

/* A segment shows under its name only when its lock is held, else it would be taken for one
 * that is closed. */
static int make_segment(struct spool *s, char name[SPOOL_NAME])
{
    char hidden[SPOOL_NAME + 1];
    uint64_t now = micros();
    int fd;

    s->made = now > s->made ? now : s->made + 1;
    snprintf(name, SPOOL_NAME, NAME_FORMAT, s->made, s->writer, s->number + 1, s->kind,
             s->maps ? MAPPED : "");
    snprintf(hidden, sizeof hidden, ".%s", name);
    fd = openat(s->folder, hidden, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0)
        return -1;
    if (lock(fd) && linkat(s->folder, hidden, s->folder, name, 0) == 0) {
        unlinkat(s->folder, hidden, 0);
        s->number++;
        return fd;
    }
    unlinkat(s->folder, hidden, 0);
    close(fd);
    return -1;
}

static void tell_segment(const struct spool *s)
{
    if (s->fn && s->segment.fd >= 0)
        s->fn(s->arg, s->segment.fd, s->folder);
}

void spool_watch(struct spool *s, spool_segment_fn *fn, void *arg)
{
    s->fn = fn;
    s->arg = arg;
    tell_segment(s);
}

void spool_abandon(struct spool *s)
{
    tail_clear(&s->segment);
}

/* Goes on in a new segment with room for `need`. False: all stays as it is. */
static bool turn_over(struct spool *s, size_t need)
{
    char name[SPOOL_NAME];
    struct tail next;
    int fd = make_segment(s, name);

    if (fd < 0)
        return false;
    tail_init(&next, fd);
    if (!tail_hold(&next, need)) {
        unlinkat(s->folder, name, 0);
        tail_clear(&next);
        return false;
    }
    if (s->segment.fd >= 0 && s->segment.end == 0)
        unlinkat(s->folder, s->name, 0);
    tail_clear(&s->segment);
    memcpy(s->name, name, sizeof s->name);
    s->segment = next;
    s->segment.maps = s->maps;
    tell_segment(s);
    return true;
}

void spool_map(struct spool *s)
{
    s->maps = tail_may_map(s->folder);
    s->maps = s->maps && turn_over(s, s->aside);
}

struct spool *spool_open(const char *folder, const char *kind, char *why, size_t size)
{
    static unsigned opened; /* a process may have several, of one moment */
    struct spool *s = calloc(1, sizeof *s);

    if (!s) {
        snprintf(why, size, "spool: no memory");
        return NULL;
    }
    tail_init(&s->segment, -1);
    s->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    snprintf(s->kind, sizeof s->kind, "%s", kind);
    snprintf(s->writer, sizeof s->writer, "%014" PRIx64 ".%u.%u", micros(), (unsigned)getpid(),
             ++opened);
    if (s->folder >= 0 && turn_over(s, 0))
        return s;
    snprintf(why, size, "%s: cannot make a segment of the spool: %s", folder, strerror(errno));
    spool_close(&s);
    return NULL;
}

void spool_close(struct spool **s)
{
    if (!*s)
        return;
    tail_clear(&(*s)->segment);
    if ((*s)->folder >= 0)
        close((*s)->folder);
    free(*s);
    *s = NULL;
}

bool spool_reserve(struct spool *s, size_t bytes)
{
    size_t need = s->aside + bytes;

    if (s->segment.fd < 0 || !tail_hold(&s->segment, s->segment.end + need)) {
        if (!turn_over(s, need))
            return false;
    }
    s->aside = need;
    return true;
}

void spool_release(struct spool *s, size_t bytes)
{
    s->aside -= bytes < s->aside ? bytes : s->aside;
}

/* Where the next `bytes` may go: room that was promised, so that no write stops half way. */
static bool find_place(struct spool *s, size_t bytes)
{
    size_t need = bytes > s->aside ? bytes : s->aside, end = s->segment.end;

    if (s->segment.fd >= 0 && end > 0 && end + bytes > SEGMENT && turn_over(s, need))
        return true;
    return (s->segment.fd >= 0 && tail_hold(&s->segment, end + bytes)) || turn_over(s, need);
}

bool spool_append(struct spool *s, struct span lines)
{
    if (lines.len == 0 || lines.at[lines.len - 1] != '\n' || !find_place(s, lines.len))
        return false;
    if (tail_put(&s->segment, lines))
        return true;
    /* The disk broke its promise. What it took is cut off, and nothing follows it. */
    tail_clear(&s->segment);
    return false;
}

/* Reads a name of ours back. */
static bool read_name(const char *name, struct spool_segment *out)
{
    size_t len = strlen(name);
    struct span rest, writer;

    if (len >= SPOOL_NAME || name[0] == '.')
        return false;
    memcpy(out->name, name, len + 1);
    rest = (struct span){out->name, len};
    span_cut(&rest, '-');
    writer = span_cut(&rest, '-');
    text_copy(out->writer, sizeof out->writer, writer);
    span_cut(&rest, '.');
    out->received = span_is(rest, "received") || span_is(rest, "received" MAPPED);
    return out->received || span_is(rest, "delivered") || span_is(rest, "delivered" MAPPED);
}

enum look { LOOK_SEGMENT, LOOK_OTHER, LOOK_FAILED };

/* The lock before the size: a size read after the lock was free is final. What cannot be looked
 * at must not be taken for one that is gone. */
static enum look look_at(int folder, struct spool_segment *segment)
{
    struct stat st;
    int fd = openat(folder, segment->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    enum look seen = LOOK_FAILED;

    if (fd < 0)
        return errno == ENOENT || errno == ELOOP ? LOOK_OTHER : LOOK_FAILED;
    segment->closed = !is_locked(fd);
    if (fstat(fd, &st) == 0) {
        seen = S_ISREG(st.st_mode) ? LOOK_SEGMENT : LOOK_OTHER;
        segment->size = tail_end(fd, (size_t)st.st_size);
    }
    close(fd);
    return seen;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct spool_segment *)a)->name, ((const struct spool_segment *)b)->name);
}

static size_t list_names(DIR *dir, struct spool_segment **out)
{
    struct spool_segment *list = NULL;
    size_t count = 0, room = 0;

    errno = 0;
    for (struct dirent *e = readdir(dir); e; errno = 0, e = readdir(dir)) {
        struct spool_segment found, *more;
        enum look seen = read_name(e->d_name, &found) ? look_at(dirfd(dir), &found) : LOOK_OTHER;

        if (seen == LOOK_OTHER)
            continue;
        more = count < room ? list : reallocarray(list, room = room * 2 + 16, sizeof *list);
        if (!more || seen == LOOK_FAILED) {
            free(more ? more : list);
            return (size_t)-1;
        }
        list = more;
        list[count++] = found;
    }
    if (errno != 0) {
        free(list);
        return (size_t)-1;
    }
    *out = list;
    return count;
}

size_t spool_list(const char *folder, struct spool_segment **out)
{
    DIR *dir = opendir(folder);
    size_t count;

    *out = NULL;
    if (!dir)
        return (size_t)-1;
    count = list_names(dir, out);
    closedir(dir);
    if (count != (size_t)-1 && count > 1)
        qsort(*out, count, sizeof **out, by_name);
    return count;
}

/* What of `s` is whole lines. What is longer than any line of ours is not one, and passes
 * as it is, or it would stand in the way for ever. */
static struct span whole_lines(struct span s)
{
    const char *last = s.len ? memrchr(s.at, '\n', s.len) : NULL;

    if (last)
        s.len = (size_t)(last - s.at) + 1;
    else if (s.len <= RECORD_MAX)
        s.len = 0;
    return s;
}

/* Its writer may be in the middle of a line. Once it is closed zeroes are a hole, with lines behind
 * it perhaps. */
static struct span written(struct span s, const struct spool_segment *from)
{
    const char *zero = s.len && !from->closed ? memchr(s.at, '\0', s.len) : NULL;

    if (zero)
        s.len = (size_t)(zero - s.at);
    return s;
}

bool spool_read(const char *folder, const struct spool_segment *from, size_t offset, struct buf *to)
{
    size_t room = buf_room(to) < READ_PIECE ? buf_room(to) : READ_PIECE;
    char path[4096], *at = buf_reserve(to, room);
    ssize_t got;
    int fd;

    snprintf(path, sizeof path, "%s/%s", folder, from->name);
    fd = at ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    if (fd < 0)
        return false;
    do
        got = pread(fd, at, room, (off_t)offset);
    while (got < 0 && errno == EINTR);
    close(fd);
    if (got > 0)
        buf_grew(to, whole_lines(written((struct span){at, (size_t)got}, from)).len);
    return got >= 0;
}

bool spool_remove(const char *folder, const char *name)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return unlink(path) == 0;
}
