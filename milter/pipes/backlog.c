/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/pipes/backlog.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/siphash.h"
#include "tell/log.h"

enum { PARTS = 16, NAME = 96 };

static const char live_csv[] = "rows.csv", live_json[] = "rows.json";

/* For people the program's name, for us the rest. */
static void name_of(const char *title, char to[NAME])
{
    static const uint64_t key[2] = {1, 1}; /* nobody gains by two of the same name */
    size_t len = 1 + strspn(title + 1, " \t");
    struct span path = {title + len, strcspn(title + len, " \t")};
    const char *slash = path.len ? memrchr(path.at, '/', path.len) : NULL;
    int most;

    if (slash)
        path = span_after(path, (size_t)(slash - path.at) + 1);
    most = path.len < 60 ? (int)path.len : 60;
    snprintf(to, NAME, "%.*s-%016" PRIx64, most, path.at, siphash(key, span_of(title)));
    for (char *p = to; *p; p++)
        if (*p == '"' || *p == '\'' || *p == '\\' || (p == to && *p == '.'))
            *p = '_';
}

bool backlog_open(const char *state, const char *title, bool json, uint64_t most, struct backlog *b)
{
    char name[NAME];
    int len;

    name_of(title, name);
    *b = (struct backlog){.live = json ? live_json : live_csv, .most = most};
    snprintf(b->folder, sizeof b->folder, "%s/accounting", state);
    (void)!mkdir(b->folder, 0750);
    snprintf(b->folder, sizeof b->folder, "%s/" BACKLOG_FOLDER, state);
    (void)!mkdir(b->folder, 0750);
    len = snprintf(b->folder, sizeof b->folder, "%s/" BACKLOG_FOLDER "/%s", state, name);
    if ((size_t)len >= sizeof b->folder) {
        errno = ENAMETOOLONG;
        return false;
    }
    return mkdir(b->folder, 0750) == 0 || errno == EEXIST;
}

uint64_t backlog_part(const struct backlog *b)
{
    return b->most / PARTS;
}

static void path_of(const struct backlog *b, const char *name, char to[BACKLOG_PATH])
{
    snprintf(to, BACKLOG_PATH, "%s/%s", b->folder, name);
}

/* False: it is none, or is gone. */
static bool look_at(const struct backlog *b, const char *name, struct segment *out)
{
    char path[BACKLOG_PATH];
    struct stat st;

    if (strncmp(name, "rows", 4) != 0 || strlen(name) >= sizeof out->name)
        return false;
    path_of(b, name, path);
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode))
        return false;
    snprintf(out->name, sizeof out->name, "%s", name);
    out->inode = st.st_ino;
    out->size = (uint64_t)st.st_size;
    out->live = b->live && strcmp(name, b->live) == 0;
    return true;
}

/* Names have the day and a number: should the clock go back the order suffers, but no row. */
static int compare(const void *left, const void *right)
{
    const struct segment *a = left, *b = right;

    if (a->live != b->live)
        return a->live - b->live;
    return strcmp(a->name, b->name);
}

size_t backlog_list(const struct backlog *b, struct segment **out)
{
    size_t count = 0, room = 0;
    DIR *dir = opendir(b->folder);
    const struct dirent *d;
    struct segment found;

    *out = NULL;
    while (dir && (d = readdir(dir))) {
        if (!look_at(b, d->d_name, &found))
            continue;
        if (count == room) {
            struct segment *more = reallocarray(*out, room = room * 2 + 32, sizeof **out);

            if (!more)
                break;
            *out = more;
        }
        (*out)[count++] = found;
    }
    if (dir)
        closedir(dir);
    if (count > 1)
        qsort(*out, count, sizeof **out, compare);
    return count;
}

int backlog_read(const struct backlog *b, const struct segment *s)
{
    char path[BACKLOG_PATH];

    path_of(b, s->name, path);
    return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
}

void backlog_remove(const struct backlog *b, const struct segment *s)
{
    char path[BACKLOG_PATH];

    path_of(b, s->name, path);
    if (unlink(path) != 0 && errno != ENOENT)
        log_say(LOG_FAULT, "", "backlog-stays", {"file", span_of(path)},
                {"why", span_of(strerror(errno))});
}

/* "rows-..." becomes "left-...", or the other way round. */
static void swap_name(const struct backlog *b, const char *name, const char *start)
{
    char from[BACKLOG_PATH], to[BACKLOG_PATH];

    path_of(b, name, from);
    snprintf(to, sizeof to, "%s/%s%s", b->folder, start, name + 4);
    (void)rename(from, to);
}

void backlog_leave(const struct backlog *b, struct segment *s)
{
    swap_name(b, s->name, "left");
    memcpy(s->name, "left", 4);
}

void backlog_settle(const struct backlog *b, const struct mark *m)
{
    DIR *dir = opendir(b->folder);
    const struct dirent *d;

    while (dir && (d = readdir(dir))) {
        if (strncmp(d->d_name, "left-", 5) != 0)
            continue;
        if (d->d_ino == m->inode)
            swap_name(b, d->d_name, "rows");
        else
            (void)unlinkat(dirfd(dir), d->d_name, 0);
    }
    if (dir)
        closedir(dir);
}

int mark_open(const struct backlog *b)
{
    char path[BACKLOG_PATH];

    path_of(b, "position", path);
    return open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
}

struct mark mark_read(int fd)
{
    struct mark kept;

    return pread(fd, &kept, sizeof kept, 0) == sizeof kept ? kept : (struct mark){0, 0};
}

void mark_keep(int fd, const struct mark *m)
{
    if (pwrite(fd, m, sizeof *m, 0) != sizeof *m)
        log_say(LOG_FAULT, "", "position-unwritten", {"why", span_of(strerror(errno))},
                {"then", SPAN("rows come again after the next start")});
}

uint64_t backlog_rows(const struct backlog *b, const struct segment *s, uint64_t offset)
{
    int fd = backlog_read(b, s);
    bool start = offset == 0;
    uint64_t count = 0;
    char text[16384];
    ssize_t len;

    while (fd >= 0 && (len = pread(fd, text, sizeof text, (off_t)offset)) > 0) {
        const char *at = text, *end = text + len;

        offset += (uint64_t)len;
        while ((at = memchr(at, '\n', (size_t)(end - at)))) {
            count += !start || *text == '{';
            start = false;
            at++;
        }
    }
    if (fd >= 0)
        close(fd);
    return count;
}

static void clear(const char *folder)
{
    struct backlog b = {.live = NULL};
    struct segment *all;
    char path[BACKLOG_PATH];
    uint64_t rows = 0;
    struct mark m;
    size_t count;
    int fd;

    snprintf(b.folder, sizeof b.folder, "%s", folder);
    fd = mark_open(&b);
    m = mark_read(fd);
    if (fd >= 0)
        close(fd);
    backlog_settle(&b, &m);
    count = backlog_list(&b, &all);
    for (size_t i = 0; i < count; i++) {
        rows += backlog_rows(&b, &all[i], all[i].inode == m.inode ? m.offset : 0);
        backlog_remove(&b, &all[i]);
    }
    free(all);
    path_of(&b, "position", path);
    unlink(path);
    if (rmdir(folder) == 0)
        log_say(rows > 0 ? LOG_FAULT : LOG_LIFE, "", "backlog-removed", {"folder", span_of(folder)},
                {"rows", log_number((double)rows)},
                {"why", SPAN("no acct-file has this program any more")});
}

void backlog_clear_others(const char *state, const char *const *titles, size_t count)
{
    char folder[BACKLOG_PATH - 256], path[BACKLOG_PATH - 64], name[NAME];
    const struct dirent *d;
    DIR *dir;

    snprintf(folder, sizeof folder, "%s/" BACKLOG_FOLDER, state);
    dir = opendir(folder);
    while (dir && (d = readdir(dir))) {
        bool ours = *d->d_name == '.';

        for (size_t i = 0; i < count && !ours; i++) {
            name_of(titles[i], name);
            ours = strcmp(name, d->d_name) == 0;
        }
        snprintf(path, sizeof path, "%s/%.95s", folder, d->d_name);
        if (!ours)
            clear(path);
    }
    if (dir)
        closedir(dir);
}
