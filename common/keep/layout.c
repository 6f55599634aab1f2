/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/layout.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VERSION = 2, SPARE = 4, PARTS_MOST = 4096, ENTRIES_MOST = 1 << 20, PAGE = 4096 };

static const char MAGIC[16] = "sallyport-table";

static size_t round_up(size_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE;
}

/* Everything that follows from the header's two numbers. */
static void measure(struct table *t, unsigned parts, unsigned entries)
{
    t->parts = parts;
    t->entries = entries;
    for (t->places = 64; t->places < (size_t)entries * SPARE; t->places *= 2)
        ;
    t->part_size = round_up(sizeof(struct part) + t->places * sizeof(uint64_t));
    /* One more than entries: what replaces is written before what it replaces goes. */
    t->blocks = (entries + (size_t)1) * BLOCKS_MOST;
    t->blocks_size = round_up(t->blocks * sizeof(struct block));
    t->small_size = PAGE + parts * t->part_size;
    t->size = t->small_size + parts * t->blocks_size;
}

struct part *part_of(const struct table *t, unsigned part)
{
    return (struct part *)(void *)((char *)t->map + PAGE + part * t->part_size);
}

size_t block_offset(const struct table *t, unsigned part, uint32_t number)
{
    return t->small_size + part * t->blocks_size + number * sizeof(struct block);
}

struct block *block_of(const struct table *t, unsigned part, uint32_t number)
{
    return (struct block *)(void *)((char *)t->map + block_offset(t, part, number));
}

static bool wrong(const char *path, const char *what, char *why, size_t size)
{
    (void)snprintf(why, size, "%s: %s", path, what);
    return false;
}

static bool map_file(struct table *t, int fd, int protection)
{
    void *at = mmap(NULL, t->size, protection, MAP_SHARED, fd, 0);

    t->map = at == MAP_FAILED ? NULL : at;
    return t->map;
}

/* A reader's look at a file before it is trusted to be a table. */
static bool check_file(struct table *t, int fd, const char *path, char *why, size_t size)
{
    struct header h;
    struct stat st;

    if (fstat(fd, &st) != 0 || pread(fd, &h, sizeof h, 0) != (ssize_t)sizeof h ||
        memcmp(h.magic, MAGIC, sizeof h.magic) != 0)
        return wrong(path, "not a session table", why, size);
    if (h.version != VERSION || h.entry_size != CONTENT_MOST)
        return wrong(path, "a session table of another version; start all programs anew", why,
                     size);
    if (h.parts == 0 || h.parts > PARTS_MOST || h.entries == 0 || h.entries > ENTRIES_MOST)
        return wrong(path, "not a session table", why, size);
    measure(t, h.parts, h.entries);
    if ((uint64_t)st.st_size != t->size)
        return wrong(path, "a session table of the wrong size", why, size);
    return true;
}

static struct table *open_file(const char *path, int flags, char *why, size_t size)
{
    struct table *t = calloc(1, sizeof *t);
    int fd = t ? open(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    int protection = PROT_READ | (flags == O_RDWR ? PROT_WRITE : 0);
    bool ok = false;

    if (!t || fd < 0)
        (void)wrong(path, strerror(errno), why, size);
    else if (check_file(t, fd, path, why, size))
        ok = map_file(t, fd, protection) || wrong(path, strerror(errno), why, size);
    int error = errno;

    if (fd >= 0)
        close(fd);
    if (t)
        t->fd = -1;
    if (!ok)
        table_close(&t);
    errno = error;
    return t;
}

struct table *table_open(const char *path, char *why, size_t size)
{
    errno = 0;
    struct table *t = open_file(path, O_RDONLY, why, size);

    if (!t && errno == ENOENT)
        (void)wrong(path, "no session table; is sallyport-in running?", why, size);
    return t;
}

/* The file under another name, so that nobody opens a half-made one. */
static bool make_file(struct table *t, const char *path, gid_t group, unsigned parts,
                      unsigned entries)
{
    uint64_t seed;

    (void)unlink(path);
    t->fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (t->fd < 0 || (group != (gid_t)-1 && fchown(t->fd, (uid_t)-1, group) != 0) ||
        fchmod(t->fd, 0640) != 0 || ftruncate(t->fd, (off_t)t->size) != 0)
        return false;
    errno = posix_fallocate(t->fd, 0, (off_t)t->small_size);
    if (errno != 0 || getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed ||
        !map_file(t, t->fd, PROT_READ | PROT_WRITE))
        return false;
    *t->map = (struct header){.version = VERSION,
                              .entry_size = CONTENT_MOST,
                              .parts = parts,
                              .entries = entries,
                              .seed = seed};
    memcpy(t->map->magic, MAGIC, sizeof MAGIC);
    return true;
}

/* Those who read the file that was there are told. */
static bool put_in_place(const char *from, const char *path)
{
    char nothing[256];
    struct table *old = open_file(path, O_RDWR, nothing, sizeof nothing);
    bool ok = rename(from, path) == 0;

    if (old && ok)
        atomic_store_explicit(&old->map->stale, 1, memory_order_release);
    table_close(&old);
    return ok;
}

struct table *table_make(const char *path, unsigned parts, unsigned entries, gid_t group, char *why,
                         size_t size)
{
    struct table *t = calloc(1, sizeof *t);
    char made[4096];
    bool ok = false;

    if (t)
        t->fd = -1;
    if (parts == 0 || parts > PARTS_MOST || entries == 0 || entries > ENTRIES_MOST ||
        snprintf(made, sizeof made, "%s.new", path) >= (int)sizeof made)
        errno = EINVAL;
    else if (t) {
        measure(t, parts, entries);
        ok = make_file(t, made, group, parts, entries) && put_in_place(made, path);
    }
    if (!ok) {
        (void)wrong(path, strerror(errno), why, size);
        table_close(&t);
    }
    return t;
}

void table_close(struct table **t)
{
    if (*t) {
        if ((*t)->map)
            (void)munmap((*t)->map, (*t)->size);
        if ((*t)->fd >= 0)
            close((*t)->fd);
        free(*t);
    }
    *t = NULL;
}

bool table_is_stale(const struct table *t)
{
    return atomic_load_explicit(&t->map->stale, memory_order_acquire) != 0;
}
