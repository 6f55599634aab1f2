/* SPDX-License-Identifier: Apache-2.0 */
#include "run/files.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Seconds: between looks; after a reload; until a change counts that goes on and on. */
enum { LOOK = 2, REST = 5, PATIENCE = 60 };

/* What differs between two files, or one before and after a change. The last one also tells of
 * owner and mode. */
struct mark {
    dev_t device;
    ino_t inode;
    off_t size;
    struct timespec modified, changed;
    int error;
};

struct file {
    char *path; /* ours */
    struct mark read, seen;
};

static struct mark mark_of(const char *path)
{
    struct stat st;
    struct mark m = {.error = 0};

    if (stat(path, &st) != 0) {
        m.error = errno;
        return m;
    }
    m.device = st.st_dev;
    m.inode = st.st_ino;
    m.size = st.st_size;
    m.modified = st.st_mtim;
    m.changed = st.st_ctim;
    return m;
}

static bool is_same(const struct mark *a, const struct mark *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size &&
           a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec &&
           a->changed.tv_sec == b->changed.tv_sec && a->changed.tv_nsec == b->changed.tv_nsec &&
           a->error == b->error;
}

static void add(void *arg, const struct option *o, const char *path)
{
    struct files *f = arg;
    struct file *more;
    char *copy;

    (void)o;
    for (size_t i = 0; i < f->count; i++)
        if (strcmp(f->at[i].path, path) == 0)
            return;
    copy = strdup(path);
    more = copy ? realloc(f->at, (f->count + 1) * sizeof *more) : NULL;
    if (!more) {
        free(copy);
        return;
    }
    f->at = more;
    f->at[f->count] = (struct file){.path = copy, .read = mark_of(path)};
    f->at[f->count].seen = f->at[f->count].read;
    f->count++;
}

void files_note(struct files *f, const struct program *program, const struct settings *s)
{
    *f = (struct files){.count = 0};
    if (program->files)
        program->files(s, add, f);
}

void files_clear(struct files *f)
{
    for (size_t i = 0; i < f->count; i++)
        free(f->at[i].path);
    free(f->at);
    *f = (struct files){.count = 0};
}

/* Looks at all. True: something moved since the last look. */
static bool look(struct files *f)
{
    bool moved = false;

    for (size_t i = 0; i < f->count; i++) {
        struct mark now = mark_of(f->at[i].path);

        moved |= !is_same(&now, &f->at[i].seen);
        f->at[i].seen = now;
    }
    return moved;
}

/* One that is not as it was read; from here it counts as read. */
static const char *take(struct files *f)
{
    const char *path = NULL;

    for (size_t i = 0; i < f->count; i++) {
        if (!path && !is_same(&f->at[i].read, &f->at[i].seen))
            path = f->at[i].path;
        f->at[i].read = f->at[i].seen;
    }
    f->moved = 0;
    return path;
}

const char *files_changed(struct files *f, double now)
{
    if (now < f->look)
        return NULL;
    f->look = now + LOOK;
    if (look(f)) {
        if (f->moved == 0)
            f->moved = now;
        if (now - f->moved < PATIENCE)
            return NULL;
    }
    return f->moved > 0 ? take(f) : NULL;
}

double files_due(const struct files *f)
{
    return f->count ? f->look : HUGE_VAL;
}

void files_rest(struct files *f, double now)
{
    f->look = now + REST;
}
