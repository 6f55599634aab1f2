/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/finish.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "acct/filename.h"
#include "base/clock.h"
#include "milter/books/finished.h"
#include "run/folder.h"
#include "tell/log.h"

static const double pause_after_failure = 60;

double finish_due(double begun, double interval, double now, double mono)
{
    double left = interval - (now - begun);

    return mono + (left < 0 ? 0 : left > interval ? interval : left);
}

static bool sync_folder(struct span folder)
{
    char path[4100];

    snprintf(path, sizeof path, "%.*s", SPAN_ARG(folder));
    return folder_sync(path);
}

/* The folder counts once for each file: when its first rows are written. */
bool finish_sync(struct book *b)
{
    return fdatasync(b->csv.fd) == 0 &&
           (b->place.offset > 0 || sync_folder(filename_folder(b->path)));
}

void finish_note_begin(const struct book *b, struct place *p)
{
    if (b->file.path)
        p->mode = (uint32_t)b->file.mode;
    if (p->live_device == b->csv.device && p->live_inode == b->csv.inode && b->csv.size > 0)
        return;
    p->live_device = b->csv.device;
    p->live_inode = b->csv.inode;
    p->begun = clock_now();
}

/* Whether or not it worked, another file or another time. */
static void forget_file(struct book *b)
{
    csv_clear(&b->csv);
    b->due = 0;
}

static void say_finished(const struct book *b, struct span to, const char *why)
{
    if (b->file.count)
        log_say(LOG_LIFE, "", "csv-finished", {"file", span_of(b->path)}, {"as", to},
                {"why", span_of(why)},
                {"records", log_number((double)csv_count(&b->csv, b->file.header.len > 0))});
    else
        log_say(LOG_LIFE, "", "csv-finished", {"file", span_of(b->path)}, {"as", to},
                {"why", span_of(why)});
}

/* False: errno, or 0 when it was the store. */
static bool rename_file(struct book *b, const char *folder, const char *why)
{
    struct place p = b->place;
    unsigned number;
    char to[BOOK_PATH + 4200];

    finish_note_begin(b, &p);
    if (p.day != (int64_t)p.begun / 86400) {
        p.day = (int64_t)p.begun / 86400;
        p.next = 0;
    }
    number = (unsigned)p.next;
    if (!finished_name(b->path, folder, (long)p.day, &number, to, sizeof to))
        return false;
    p.next = number + 1;
    if (!book_keep_place(b, &p) || !finished_rename(b->path, to)) {
        int error = errno;

        p.next = number;
        b->place.next = b->next.next = number;
        errno = error;
        return false;
    }
    say_finished(b, span_of(to), why);
    if (b->file.sync &&
        (!sync_folder(filename_folder(to)) || !sync_folder(filename_folder(b->path))))
        log_say(LOG_FAULT, "", "csv-unsynced", {"file", span_of(to)},
                {"why", span_of(strerror(errno))});
    forget_file(b);
    return true;
}

static bool finish(struct book *b, const char *why)
{
    if (rename_file(b, b->file.move_to, why)) {
        b->again = 0;
        return true;
    }
    if (b->again == 0)
        log_say(LOG_FAULT, "", "csv-not-moved", {"file", span_of(b->path)},
                {"to", span_of(b->file.move_to ? b->file.move_to : "")},
                {"why", span_of(strerror(errno))},
                {"then", SPAN("it goes on growing; tried again every minute")});
    b->again = clock_mono() + pause_after_failure;
    return false;
}

bool finish_file(struct book *b)
{
    return finish(b, "it is full");
}

bool finish_has_failed(const struct book *b)
{
    return b->again > 0 && clock_mono() < b->again;
}

bool finish_aside(struct book *b)
{
    return rename_file(b, NULL, "its columns are others");
}

/* Looks once a file; what has no rows is looked at again when it has some. */
static void find_due(struct book *b)
{
    struct stat st;

    if (lstat(b->path, &st) != 0 || !S_ISREG(st.st_mode) ||
        (size_t)st.st_size <= b->file.header.len)
        return;
    if (b->place.live_device != st.st_dev || b->place.live_inode != st.st_ino) {
        struct place p = b->place;

        p.live_device = st.st_dev;
        p.live_inode = st.st_ino;
        p.begun = clock_now();
        if (!book_keep_place(b, &p))
            return;
    }
    b->due = finish_due(b->place.begun, b->file.move_interval, clock_now(), clock_mono());
}

void finish_if_due(struct book *b)
{
    const char *why;

    if (b->file.move_interval <= 0 || finish_has_failed(b))
        return;
    if (b->due <= 0)
        find_due(b);
    if (b->due <= 0 || clock_mono() < b->due)
        return;
    if (!csv_find(&b->csv, b->path, b->file.mode, &why))
        return;
    if (b->place.live_inode != b->csv.inode || b->csv.size <= b->file.header.len)
        forget_file(b);
    else
        (void)!finish(b, "move-interval is over");
}
