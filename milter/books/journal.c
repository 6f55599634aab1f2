/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "milter/books/tidy.h"
#include "tell/log.h"

/* Some may be of files that the configuration knows no more. */
enum { SLOTS = 2 * JOURNAL_FILES };

struct journal {
    struct store *store;
    unsigned kind;
    int marks;     /* the file that says what was written */
    uint64_t last; /* the highest number that was given */
    struct book *books[SLOTS];
    struct tidy tidy;
    bool held; /* it was said */
};

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

static struct book *open_book(struct journal *j, unsigned slot, uint64_t written)
{
    struct book *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    b->store = j->store;
    b->kind = j->kind;
    b->slot = slot;
    b->marks = j->marks;
    b->written = written;
    csv_init(&b->csv);
    j->books[slot] = b;
    return b;
}

/* What was there before. Numbers never go back, or new rows would count as written. */
static bool open_books(struct journal *j, const uint64_t written[SLOTS])
{
    struct store_txn *t = store_look(j->store);
    bool ok = t != NULL;

    for (unsigned i = 0; ok && i < SLOTS; i++) {
        struct book *b = open_book(j, i, written[i]);
        struct entry_sum waits;

        ok = b != NULL;
        if (ok && place_get(t, j->kind, i, &b->place, b->path)) {
            waits = entry_sum(t, j->kind, i, written[i] + 1);
            b->next = b->place;
            b->count = waits.count;
            b->bytes = waits.bytes;
            j->last = waits.last > j->last ? waits.last : j->last;
            j->last = b->place.number > j->last ? b->place.number : j->last;
        }
        j->last = written[i] > j->last ? written[i] : j->last;
    }
    store_abort(&t);
    return ok;
}

/* Writes the marks as they are, so that there is room for them whatever comes. */
static bool read_marks(int fd, uint64_t written[SLOTS])
{
    size_t size = SLOTS * sizeof *written;

    return pread(fd, written, size, 0) >= 0 && pwrite(fd, written, size, 0) == (ssize_t)size;
}

struct journal *journal_open(const char *folder, struct store *store, unsigned kind, char *why,
                             size_t size)
{
    struct journal *j = calloc(1, sizeof *j);
    uint64_t written[SLOTS] = {0};
    char path[4096];

    if (!j) {
        snprintf(why, size, "journal: no memory");
        return NULL;
    }
    j->store = store;
    j->kind = kind;
    tidy_init(&j->tidy, folder);
    snprintf(path, sizeof path, "%s/written", folder);
    j->marks = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0640);
    if (j->marks < 0)
        snprintf(why, size, "%s: %s", path, strerror(errno));
    else if (!hold(j->marks))
        snprintf(why, size, "%s: held by another accountant", path);
    else if (!read_marks(j->marks, written))
        snprintf(why, size, "%s: %s", path, strerror(errno));
    else if (!open_books(j, written))
        snprintf(why, size, "%s: the journal cannot be read", folder);
    else
        return j;
    journal_close(&j);
    return NULL;
}

void journal_close(struct journal **j)
{
    if (!*j)
        return;
    for (unsigned i = 0; i < SLOTS && (*j)->books[i]; i++) {
        csv_clear(&(*j)->books[i]->csv);
        free((*j)->books[i]);
    }
    tidy_clear(&(*j)->tidy);
    if ((*j)->marks >= 0)
        close((*j)->marks);
    free(*j);
    *j = NULL;
}

/* That of this path, or one that nobody needs: first those that never had a path. */
static struct book *find_slot(struct journal *j, const char *path)
{
    struct book *none = NULL, *old = NULL;

    for (unsigned i = 0; i < SLOTS; i++) {
        struct book *b = j->books[i];

        if (strcmp(b->path, path) == 0)
            return b;
        if (!*b->path && !none)
            none = b;
        if (*b->path && !b->file.path && b->count == 0 && !old)
            old = b;
    }
    return none ? none : old;
}

int journal_file(struct journal *j, const struct journal_file *file)
{
    struct book *b = strlen(file->path) <= BOOK_PATH ? find_slot(j, file->path) : NULL;

    if (!b || b->file.path)
        return -1;
    if (strcmp(b->path, file->path) != 0) {
        b->place = b->next = (struct place){0};
        snprintf(b->path, sizeof b->path, "%s", file->path);
    }
    b->file = *file;
    return (int)b->slot;
}

bool journal_begin(struct journal *j, struct store_txn *t)
{
    bool ok = true;

    for (unsigned i = 0; ok && i < SLOTS; i++)
        ok = book_begin(j->books[i], t);
    return ok;
}

bool journal_add(struct journal *j, struct store_txn *t, int slot, struct span rows)
{
    if (rows.len == 0)
        return true;
    return book_add(j->books[slot], t, ++j->last, rows);
}

void journal_end(struct journal *j, bool kept)
{
    for (unsigned i = 0; i < SLOTS; i++)
        book_end(j->books[i], kept);
}

static void say_held(struct journal *j, bool held)
{
    if (held && !j->held)
        log_say(LOG_FAULT, "", "csv-all-wait",
                {"why", SPAN("too many rows wait for files that cannot be written")},
                {"then", SPAN("records wait in the spool")});
    j->held = held;
}

bool journal_write(struct journal *j)
{
    uint64_t bytes = 0;

    for (unsigned i = 0; i < SLOTS; i++) {
        if (!book_write(j->books[i]) && !j->books[i]->file.path)
            book_give_up(j->books[i]);
        bytes += j->books[i]->bytes;
    }
    tidy_now_and_then(&j->tidy, j->books, SLOTS);
    say_held(j, bytes > JOURNAL_HELD);
    return !j->held;
}

bool journal_is_behind(const struct journal *j)
{
    for (unsigned i = 0; i < SLOTS; i++) {
        if (j->books[i]->count > 0)
            return true;
    }
    return false;
}
