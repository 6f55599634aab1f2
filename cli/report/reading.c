/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/reading.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/text.h"
#include "csv/rows.h"

/* Rows between two looks at the clock. */
enum { ROWS_STEP = 4096, WHY = 4400 };

struct walk {
    struct reading *to;
    struct rows *rows;
    struct progress progress;
    uint64_t before; /* bytes of the files that are done */
};

static uint64_t size_of(const struct file_list *files)
{
    uint64_t total = 0;
    struct stat st;

    for (size_t i = 0; i < files->count; i++)
        if (stat(files->at[i].path, &st) == 0 && S_ISREG(st.st_mode))
            total += (uint64_t)st.st_size;
    return total;
}

static void complain(struct walk *w, const char *text)
{
    char clean[WHY];

    progress_end(&w->progress);
    (void)text_clean(clean, sizeof clean, span_of(text));
    fprintf(stderr, "sallyport report: %s\n", clean);
    w->to->incomplete = true;
}

static void note_bad(struct walk *w, struct report_file *file, const char *why)
{
    struct reading *r = w->to;
    char place[WHY];

    file->bad++;
    if (r->bad_place)
        return;
    (void)snprintf(place, sizeof place, "%s:%lu", file->name, (unsigned long)rows_line(w->rows));
    r->bad_place = strdup(place);
    (void)snprintf(r->bad_why, sizeof r->bad_why, "%s", why);
}

static void read_rows(struct walk *w, struct feed *feed, struct report_file *file)
{
    struct span cell[FIELD_COUNT];
    enum rows_got got;

    rows_begin(w->rows, feed);
    while ((got = rows_next(w->rows, cell)) != ROWS_END) {
        const char *why = rows_why(w->rows);

        if (got == ROWS_BAD)
            count_bad(w->to->count);
        if (got == ROWS_BAD || !count_row(w->to->count, cell, &why))
            note_bad(w, file, why);
        if (++file->rows % ROWS_STEP == 0)
            progress_show(&w->progress, w->before + feed_at(feed));
    }
}

/* Names of files are what others said, too. */
static const char *name_of(const char *path)
{
    char clean[WHY];
    char *name;

    (void)text_clean(clean, sizeof clean, span_of(path));
    name = strdup(clean);
    return name ? name : "";
}

static void read_file(struct walk *w, const char *path)
{
    struct report_file *file = &w->to->files[w->to->file_count];
    char why[WHY];
    struct feed *feed = feed_open(path, why, sizeof why);

    if (!feed) {
        complain(w, why);
        return;
    }
    *file = (struct report_file){.name = name_of(path)};
    w->to->file_count++;
    read_rows(w, feed, file);
    w->before += feed_at(feed);
    file->bytes = feed_at(feed);
    file->torn = rows_is_torn(w->rows) || feed_is_cut(feed);
    if (*feed_why(feed) && !feed_is_cut(feed)) {
        (void)snprintf(why, sizeof why, "%s: %s; what came before counts", path, feed_why(feed));
        complain(w, why);
    }
    feed_free(&feed);
}

bool reading_run(struct reading *r, const struct file_list *files)
{
    struct walk w = {.to = r, .rows = rows_new(field_names, FIELD_COUNT)};

    r->files = calloc(files->count + 1, sizeof *r->files);
    if (!r->files || !w.rows) {
        rows_free(&w.rows);
        return false;
    }
    progress_begin(&w.progress, stderr, size_of(files));
    for (size_t i = 0; i < files->count; i++) {
        count_only(r->count, files->at[i].types);
        read_file(&w, files->at[i].path);
    }
    progress_end(&w.progress);
    rows_free(&w.rows);
    return true;
}

void reading_clear(struct reading *r)
{
    for (size_t i = 0; i < r->file_count; i++)
        if (*r->files[i].name)
            free((char *)(uintptr_t)r->files[i].name);
    free(r->files);
    free(r->bad_place);
    *r = (struct reading){.count = NULL};
}
