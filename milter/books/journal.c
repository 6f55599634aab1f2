/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "tell/log.h"

/* An entry of the store: this, the path, the header, and what is written: `prefix` bytes (the
 * header, or the end of someone's torn line) and the rows. */
struct head {
    uint64_t batch, device, inode, offset;
    uint32_t mode, path, header, prefix;
};

struct entry {
    struct head head;
    char path[4097];
    struct span header, text; /* the store's */
};

struct journal {
    struct store *store;
    unsigned kind;
    int mark;                       /* the file that says what was written */
    uint64_t written;               /* its number */
    unsigned count;                 /* entries of the batch that is being made */
    size_t progress[JOURNAL_FILES]; /* how much of each entry is in its file */
    bool stuck;
};

/* Everything that an entry is, longest first; far above what a batch may have. */
enum { ENTRY_MAX = 64 << 20 };

/* One whose master was killed may still be on its way out. */
static bool hold(int fd)
{
    bool held = flock(fd, LOCK_EX | LOCK_NB) == 0;

    for (int i = 0; !held && errno == EWOULDBLOCK && i < JOURNAL_PATIENCE * 10; i++) {
        (void)poll(NULL, 0, 100);
        held = flock(fd, LOCK_EX | LOCK_NB) == 0;
    }
    return held;
}

struct journal *journal_open(const char *folder, struct store *store, unsigned kind, char *why,
                             size_t size)
{
    struct journal *j = calloc(1, sizeof *j);
    char path[4096];

    if (!j) {
        snprintf(why, size, "journal: no memory");
        return NULL;
    }
    j->store = store;
    j->kind = kind;
    snprintf(path, sizeof path, "%s/written", folder);
    j->mark = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (j->mark < 0)
        snprintf(why, size, "%s: %s", path, strerror(errno));
    else if (!hold(j->mark))
        snprintf(why, size, "%s: held by another accountant", path);
    else if (pread(j->mark, &j->written, sizeof j->written, 0) != 0 ||
             pwrite(j->mark, &j->written, sizeof j->written, 0) == sizeof j->written)
        return j;
    else
        snprintf(why, size, "%s: %s", path, strerror(errno));
    journal_close(&j);
    return NULL;
}

void journal_close(struct journal **j)
{
    if (*j && (*j)->mark >= 0)
        close((*j)->mark);
    free(*j);
    *j = NULL;
}

static struct span number_key(unsigned number, char to[16])
{
    return (struct span){to, (size_t)snprintf(to, 16, "%u", number)};
}

bool journal_begin(struct journal *j, struct store_txn *t)
{
    char key[16];

    for (unsigned i = 0; store_drop(t, j->kind, number_key(i, key)); i++)
        ;
    memset(j->progress, 0, sizeof j->progress);
    j->count = 0;
    return true;
}

/* PowerMTA's names for what was put aside: NAME-YYYY-MM-DD-NNNN.csv. */
static bool put_aside(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    int stem = (int)(dot && dot > slash ? dot - path : (long)strlen(path));
    time_t now = (time_t)clock_now();
    char to[4200], day[16];
    struct tm tm;

    if (!gmtime_r(&now, &tm))
        return false;
    strftime(day, sizeof day, "%Y-%m-%d", &tm);
    for (int i = 0; i < 10000; i++) {
        snprintf(to, sizeof to, "%.*s-%s-%04d%s", stem, path, day, i, path + stem);
        if (renameat2(AT_FDCWD, path, AT_FDCWD, to, RENAME_NOREPLACE) == 0) {
            log_say(LOG_LIFE, "", "csv-put-aside", {"file", span_of(path)}, {"as", span_of(to)},
                    {"why", SPAN("its columns are others")});
            return true;
        }
        if (errno != EEXIST)
            return false;
    }
    return false;
}

/* The file, made if it is not there. -1 with errno. */
static int open_csv(const char *path, mode_t mode, struct stat *st)
{
    int flags = O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
    int fd = open(path, flags);

    if (fd < 0 && errno == ENOENT) {
        fd = open(path, flags | O_CREAT | O_EXCL, mode);
        if (fd >= 0 && fchmod(fd, mode) != 0)
            log_say(LOG_FAULT, "", "csv-mode", {"file", span_of(path)},
                    {"why", span_of(strerror(errno))});
    }
    if (fd < 0)
        return -1;
    if (fstat(fd, st) == 0 && S_ISREG(st->st_mode))
        return fd;
    close(fd);
    errno = EINVAL;
    return -1;
}

static bool has_header(int fd, struct span header)
{
    char start[8192];
    size_t len = header.len < sizeof start ? header.len : sizeof start;

    return pread(fd, start, len, 0) == (ssize_t)len && memcmp(start, header.at, len) == 0;
}

/* As open_csv(), and a file with other columns makes way for a new one. */
static int open_matching(const char *path, mode_t mode, struct span header, struct stat *st)
{
    int fd = open_csv(path, mode, st);

    if (fd < 0 || st->st_size == 0 || has_header(fd, header))
        return fd;
    close(fd);
    return put_aside(path) ? open_csv(path, mode, st) : -1;
}

/* What has to stand before the first row at the end of this file. */
static struct span find_prefix(int fd, const struct stat *st, struct span header)
{
    char last;

    if (st->st_size == 0)
        return header;
    if (pread(fd, &last, 1, st->st_size - 1) == 1 && last != '\n')
        return SPAN("\r\n");
    return SPAN("");
}

/* Puts the entry into the store, placed at the end of its file as that is now. A file that
 * cannot be opened now is placed when it is written. */
static bool put_entry(struct journal *j, struct store_txn *t, unsigned number,
                      const struct journal_file *file, struct span rows)
{
    struct head h = {.batch = j->written + 1,
                     .mode = (uint32_t)file->mode,
                     .path = (uint32_t)strlen(file->path),
                     .header = (uint32_t)file->header.len};
    struct span prefix = SPAN("");
    struct stat st;
    struct buf value;
    char key[16];
    int fd = open_matching(file->path, file->mode, file->header, &st);
    bool ok;

    if (fd >= 0) {
        prefix = find_prefix(fd, &st, file->header);
        h.device = st.st_dev;
        h.inode = st.st_ino;
        h.offset = (uint64_t)st.st_size;
        close(fd);
    }
    h.prefix = (uint32_t)prefix.len;
    buf_init(&value, ENTRY_MAX);
    ok = buf_add(&value, (struct span){(const char *)&h, sizeof h}) &&
         buf_add(&value, span_of(file->path)) && buf_add(&value, file->header) &&
         buf_add(&value, prefix) && buf_add(&value, rows) &&
         store_put(t, j->kind, number_key(number, key), buf_peek(&value), 0);
    buf_clear(&value);
    return ok;
}

bool journal_add(struct journal *j, struct store_txn *t, const struct journal_file *file,
                 struct span rows)
{
    if (j->count >= JOURNAL_FILES || strlen(file->path) > 4000)
        return false;
    return put_entry(j, t, j->count++, file, rows);
}

static bool get_entry(const struct journal *j, struct store_txn *t, unsigned number,
                      struct entry *out)
{
    struct span value;
    char key[16];

    if (!store_get(t, j->kind, number_key(number, key), &value) || value.len < sizeof out->head)
        return false;
    memcpy(&out->head, value.at, sizeof out->head);
    value = span_after(value, sizeof out->head);
    if (out->head.path >= sizeof out->path ||
        (size_t)out->head.path + out->head.header + out->head.prefix > value.len)
        return false;
    memcpy(out->path, value.at, out->head.path);
    out->path[out->head.path] = '\0';
    value = span_after(value, out->head.path);
    out->header = (struct span){value.at, out->head.header};
    out->text = span_after(value, out->head.header);
    return true;
}

static bool write_text(int fd, const struct entry *e, size_t *progress)
{
    while (*progress < e->text.len) {
        ssize_t done = pwrite(fd, e->text.at + *progress, e->text.len - *progress,
                              (off_t)(e->head.offset + *progress));

        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            errno = done == 0 ? ENOSPC : errno;
            return false;
        }
        *progress += (size_t)done;
    }
    return true;
}

/* The rows of which not all is in the old file, for the new one. */
static struct span rows_left(const struct entry *e, size_t progress)
{
    const char *last = progress ? memrchr(e->text.at, '\n', progress) : NULL;
    size_t done = last ? (size_t)(last - e->text.at) + 1 : 0;

    return span_after(e->text, done > e->head.prefix ? done : e->head.prefix);
}

enum wrote { WROTE_ALL, WROTE_ELSEWHERE, WROTE_NOT };

/* `ELSEWHERE`: its file is another now. */
static enum wrote write_entry(struct journal *j, unsigned number, const struct entry *e)
{
    struct stat st;
    int fd = open_csv(e->path, e->head.mode, &st);
    enum wrote wrote = WROTE_NOT;

    if (fd < 0)
        return WROTE_NOT;
    if (st.st_dev != e->head.device || st.st_ino != e->head.inode ||
        (uint64_t)st.st_size < e->head.offset)
        wrote = WROTE_ELSEWHERE;
    else if (write_text(fd, e, &j->progress[number]))
        wrote = WROTE_ALL;
    close(fd);
    return wrote;
}

/* The new place is kept before anything is written there, or a redo would write twice. The
 * copies are because the store's memory moves when it is written. */
static bool move_entry(struct journal *j, struct store_txn *t, unsigned number,
                       const struct entry *e)
{
    struct buf header, rows;
    bool ok;

    buf_init(&header, ENTRY_MAX);
    buf_init(&rows, ENTRY_MAX);
    ok = buf_add(&header, e->header) && buf_add(&rows, rows_left(e, j->progress[number]));
    if (ok) {
        struct journal_file file = {e->path, e->head.mode, buf_peek(&header)};

        ok = put_entry(j, t, number, &file, buf_peek(&rows));
    }
    buf_clear(&header);
    buf_clear(&rows);
    if (ok)
        j->progress[number] = 0;
    return ok;
}

static void complain(struct journal *j, const char *path, int error)
{
    if (!j->stuck)
        log_say(LOG_FAULT, "", "csv-stuck", {"file", span_of(path)},
                {"why", span_of(strerror(error))},
                {"then", SPAN("the rows are kept and written when they can be")});
    j->stuck = true;
}

/* One pass over the batch. `*moved`: some file was replaced; keep the transaction, and come
 * again. */
static bool write_all(struct journal *j, struct store_txn *t, uint64_t *batch, bool *moved)
{
    struct entry e;
    bool all = true;

    for (unsigned i = 0; i < JOURNAL_FILES && get_entry(j, t, i, &e); i++) {
        enum wrote wrote;

        *batch = e.head.batch;
        if (e.head.batch <= j->written)
            return true;
        errno = 0;
        wrote = write_entry(j, i, &e);
        if (wrote == WROTE_ELSEWHERE)
            *moved = move_entry(j, t, i, &e) || *moved;
        if (wrote != WROTE_ALL)
            all = false;
        if (wrote == WROTE_NOT)
            complain(j, e.path, errno);
    }
    return all;
}

static bool mark_written(struct journal *j, uint64_t batch)
{
    if (batch <= j->written)
        return true;
    if (pwrite(j->mark, &batch, sizeof batch, 0) != sizeof batch)
        return false;
    j->written = batch;
    if (j->stuck)
        log_say(LOG_LIFE, "", "csv-goes-on", {"why", SPAN("what stood in the way is gone")});
    j->stuck = false;
    return true;
}

bool journal_write(struct journal *j)
{
    bool all = false, moved = true;

    for (int tries = 0; tries < 3 && moved && !all; tries++) {
        struct store_txn *t = store_begin(j->store);
        uint64_t batch = 0;

        if (!t)
            return false;
        moved = false;
        all = write_all(j, t, &batch, &moved);
        if (moved)
            moved = store_commit(&t);
        else
            store_abort(&t);
        if (all)
            return mark_written(j, batch);
    }
    return false;
}
