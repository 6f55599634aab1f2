/* SPDX-License-Identifier: Apache-2.0 */
#include "csv/feed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "csv/unpack.h"

enum { PACKED = 256 << 10, MAGIC_MAX = 6 };

static const struct unpack *const ways[] = {&unpack_gz, &unpack_zst, &unpack_xz};

struct feed {
    int fd;
    bool ours; /* the fd */
    bool begun, ended, cut;
    const struct unpack *way; /* NULL: it is as it is */
    void *state;              /* ours; NULL: between two packed parts */
    char *bytes;              /* ours: packed ones, or the first of a plain file */
    struct span rest;         /* of them, not given yet */
    uint64_t at;
    char why[160];
};

struct feed *feed_of(int fd)
{
    struct feed *f = calloc(1, sizeof *f);

    if (!f || !(f->bytes = malloc(PACKED))) {
        free(f);
        return NULL;
    }
    f->fd = fd;
    (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* no pipe takes that, and need not */
    return f;
}

struct feed *feed_open(const char *path, char *why, size_t size)
{
    bool is_input = strcmp(path, "-") == 0;
    int fd = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct feed *f = fd < 0 ? NULL : feed_of(fd);

    if (!f) {
        snprintf(why, size, "%s: %s", path, fd < 0 ? strerror(errno) : "no memory");
        if (fd >= 0 && !is_input)
            close(fd);
        return NULL;
    }
    f->ours = !is_input;
    return f;
}

void feed_free(struct feed **f)
{
    if (!*f)
        return;
    if ((*f)->state)
        (*f)->way->end((*f)->state);
    if ((*f)->ours)
        close((*f)->fd);
    free((*f)->bytes);
    free(*f);
    *f = NULL;
}

static long fails(struct feed *f, const char *what, const char *way)
{
    snprintf(f->why, sizeof f->why, "%s%s%s%s", what, way ? " (" : "", way ? way : "",
             way ? ")" : "");
    f->ended = true;
    return -1;
}

/* What the file gives, up to `room`. */
static long take(struct feed *f, char *to, size_t room)
{
    size_t have = 0;

    while (have < room && !f->ended) {
        ssize_t n = read(f->fd, to + have, room - have);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return fails(f, strerror(errno), NULL);
        f->ended = n == 0;
        have += (size_t)n;
    }
    f->at += have;
    return (long)have;
}

static bool begins(struct span bytes, struct span magic)
{
    return bytes.len >= magic.len && memcmp(bytes.at, magic.at, magic.len) == 0;
}

/* The first bytes say what kind of file it is. */
static long begin(struct feed *f)
{
    long n = take(f, f->bytes, MAGIC_MAX);

    f->begun = true;
    if (n < 0)
        return -1;
    f->rest = (struct span){f->bytes, (size_t)n};
    for (size_t i = 0; i < COUNT_OF(ways); i++)
        if (begins(f->rest, ways[i]->magic))
            f->way = ways[i];
    return 0;
}

/* More packed bytes, if those that were there are used up. */
static bool refill(struct feed *f)
{
    long n = 0;

    if (f->rest.len > 0)
        return true;
    n = f->ended ? 0 : take(f, f->bytes, PACKED);
    f->rest = (struct span){f->bytes, n < 0 ? 0 : (size_t)n};
    return n >= 0;
}

/* Behind a packed part: zeros as padding, then another part or the end. */
static bool open_part(struct feed *f)
{
    while (f->rest.len > 0 && *f->rest.at == '\0')
        f->rest = span_after(f->rest, 1);
    if (f->rest.len == 0)
        return true;
    f->state = f->way->begin();
    if (!f->state)
        fails(f, "no memory", f->way->name);
    return f->state != NULL;
}

/* What came before is good. */
static long stops(struct feed *f, const char *what, size_t came)
{
    long broken = fails(f, what, f->way->name);

    return came > 0 ? (long)came : broken;
}

static long unpack(struct feed *f, char *to, size_t size)
{
    struct unpack_room room = {to, size};

    while (room.len > 0) {
        size_t had;

        if (!refill(f) || (!f->state && !open_part(f)))
            return -1;
        if (!f->state && f->rest.len == 0 && f->ended)
            break;
        if (!f->state)
            continue;
        had = room.len;
        switch (f->way->some(f->state, &f->rest, &room)) {
        case UNPACK_BROKEN:
            return stops(f, "is damaged", size - room.len);
        case UNPACK_GREEDY:
            return stops(f, "needs too much memory to be unpacked", size - room.len);
        case UNPACK_DONE:
            f->way->end(f->state);
            f->state = NULL;
            break;
        case UNPACK_ON:
            if (f->rest.len > 0 || !f->ended || room.len < had)
                break;
            f->cut = true;
            return stops(f, "ends too early", size - room.len);
        }
    }
    return (long)(size - room.len);
}

long feed_read(struct feed *f, char *to, size_t room)
{
    size_t first;
    long more;

    if (f->why[0] || (!f->begun && begin(f) < 0))
        return -1;
    if (f->way)
        return unpack(f, to, room);
    first = f->rest.len < room ? f->rest.len : room;
    memcpy(to, f->rest.at, first);
    f->rest = span_after(f->rest, first);
    more = take(f, to + first, room - first);
    return more < 0 ? -1 : (long)first + more;
}

const char *feed_why(const struct feed *f)
{
    return f->why;
}

bool feed_is_cut(const struct feed *f)
{
    return f->cut;
}

uint64_t feed_at(const struct feed *f)
{
    return f->at;
}
