/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/sinks.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "acct/account.h"
#include "acct/category.h"
#include "acct/command.h"
#include "acct/filename.h"
#include "milter/pipes/backlog.h"
#include "tell/log.h"

enum { ROWS_MANY = 4 << 20, ROWS_MAX = 16 << 20 };

struct sink {
    const struct acct_file *conf;
    struct account *account;
    struct buf rows;
    int slot;                    /* the journal's */
    char path[BACKLOG_PATH + 1]; /* of a program's rows */
};

struct sinks {
    struct categories *categories; /* ours */
    const char *state;
    bool begun;
    size_t count;
    struct sink at[JOURNAL_FILES];
};

static bool open_sink(struct sink *sink, const struct acct_file *conf, char *why, size_t size)
{
    struct account_fields fields[16];
    struct account_conf a = {.records = conf->records,
                             .fields = fields,
                             .mappings = conf->map_header_to_field,
                             .queue_filter = conf->queue_filter,
                             .privacy = conf->privacy_policy,
                             .user_string = conf->user_string,
                             .iso_times = conf->iso_times,
                             .json = conf->format == ACCT_JSON,
                             .guard = conf->csv_guard};
    char reason[200];

    for (size_t i = 0; i < conf->record_fields_count && i < COUNT_OF(fields); i++)
        fields[a.fields_count++] = (struct account_fields){conf->record_fields[i].head.title,
                                                           conf->record_fields[i].fields};
    sink->conf = conf;
    sink->account = account_new(&a, reason, sizeof reason);
    buf_init(&sink->rows, ROWS_MAX);
    if (!sink->account)
        snprintf(why, size, "%s:%u: acct-file %s: %s", conf->head.file, conf->head.line,
                 conf->head.title, reason);
    return sink->account != NULL;
}

static bool open_categories(struct sinks *s, const struct settings *settings, char *why,
                            size_t size)
{
    size_t count = settings->bounce_pattern_count;
    struct category_line *lines = calloc(count + 1, sizeof *lines);
    char reason[400] = "no memory";

    for (size_t i = 0; i < count && lines; i++)
        lines[i] = (struct category_line){settings->bounce_patterns[i].head.title,
                                          settings->bounce_patterns[i].category.at[0]};
    if (lines)
        s->categories = categories_new(lines, count, reason, sizeof reason);
    if (!s->categories)
        snprintf(why, size, "bounce-category-patterns: %s", reason);
    free(lines);
    return s->categories;
}

static bool open_all(struct sinks *s, const struct settings *settings, char *why, size_t size)
{
    s->state = settings->global.state_directory;
    if (settings->acct_file_count > COUNT_OF(s->at)) {
        snprintf(why, size, "there may be %zu acct-file sections", COUNT_OF(s->at));
        return false;
    }
    for (size_t i = 0; i < settings->acct_file_count; i++) {
        s->count++;
        if (!open_sink(&s->at[i], &settings->acct_files[i], why, size))
            return false;
    }
    return open_categories(s, settings, why, size);
}

struct sinks *sinks_open(const struct settings *settings, char *why, size_t size)
{
    struct sinks *s = calloc(1, sizeof *s);

    if (!s)
        snprintf(why, size, "accounting: no memory");
    else if (!open_all(s, settings, why, size))
        sinks_close(&s);
    return s;
}

static struct journal_file file_of(const struct sink *sink, bool sync)
{
    const struct acct_file *conf = sink->conf;
    bool moves = (conf->move_to && *conf->move_to) || conf->is_ours;

    return (struct journal_file){.path = conf->head.title,
                                 .mode = conf->world_readable ? 0644 : 0640,
                                 .header = account_header(sink->account),
                                 .move_to = conf->move_to,
                                 .move_interval = moves ? (double)conf->move_interval : 0,
                                 .max_size = conf->max_size,
                                 .delete_after = (double)conf->delete_after,
                                 .count = conf->count_moved_records,
                                 .sync = sync};
}

/* The folder of what nobody configured is made by nobody else; a section's is the administrator's.
 */
static bool make_folder(const struct acct_file *conf, char *why, size_t size)
{
    struct span folder = filename_folder(conf->head.title);
    char path[4200];

    if (!conf->is_ours)
        return true;
    snprintf(path, sizeof path, "%.*s", SPAN_ARG(folder));
    if (mkdir(path, 0750) == 0 || errno == EEXIST)
        return true;
    snprintf(why, size, "%s:%u: tls-reports: %s: %s", conf->head.file, conf->head.line, path,
             strerror(errno));
    return false;
}

/* A program's rows go to its backlog, which the feeder empties. */
static bool open_backlog(const struct sinks *s, struct sink *sink, struct journal_file *file)
{
    const struct acct_file *conf = sink->conf;
    struct backlog b;

    if (!backlog_open(s->state, conf->head.title, conf->format == ACCT_JSON, conf->max_size, &b))
        return false;
    snprintf(sink->path, sizeof sink->path, "%s/%s", b.folder, b.live);
    *file = (struct journal_file){.path = sink->path,
                                  .mode = 0640,
                                  .header = file->header,
                                  .max_size = backlog_part(&b),
                                  .sync = file->sync};
    return true;
}

bool sinks_register(struct sinks *s, struct journal *j, bool sync, char *why, size_t size)
{
    for (size_t i = 0; i < s->count; i++) {
        struct sink *sink = &s->at[i];
        const struct option_head *head = &sink->conf->head;
        struct journal_file file = file_of(sink, sync);

        if (!make_folder(sink->conf, why, size))
            return false;
        if (command_is(head->title) && !open_backlog(s, sink, &file)) {
            snprintf(why, size, "%s:%u: acct-file %s: no folder for its rows: %s", head->file,
                     head->line, head->title, strerror(errno));
            return false;
        }
        sink->slot = journal_file(j, &file);
        if (sink->slot < 0) {
            snprintf(why, size, "%s:%u: acct-file %s: too many files, or it is named twice",
                     head->file, head->line, head->title);
            return false;
        }
    }
    return true;
}

void sinks_begin(struct sinks *s)
{
    const char *titles[JOURNAL_FILES];
    size_t count = 0;

    for (size_t i = 0; i < s->count; i++)
        if (command_is(s->at[i].conf->head.title))
            titles[count++] = s->at[i].conf->head.title;
    if (!s->begun)
        backlog_clear_others(s->state, titles, count);
    s->begun = true;
}

void sinks_forget(struct sinks *s)
{
    for (size_t i = 0; i < s->count; i++)
        buf_clear(&s->at[i].rows);
}

void sinks_close(struct sinks **s)
{
    if (!*s)
        return;
    sinks_forget(*s);
    for (size_t i = 0; i < (*s)->count; i++)
        account_free(&(*s)->at[i].account);
    categories_free(&(*s)->categories);
    free(*s);
    *s = NULL;
}

static void categorize(struct sinks *s, struct record *r)
{
    const char *pattern;

    categories_fill(s->categories, r);
    while ((pattern = categories_tired(s->categories)))
        log_say(LOG_FAULT, "", "pattern-slow", {"pattern", span_of(pattern)},
                {"then", SPAN("not found, where it takes too long; make it simpler")});
}

bool sinks_add(struct sinks *s, struct record *r)
{
    categorize(s, r);
    for (size_t i = 0; i < s->count; i++) {
        if (!account_row(s->at[i].account, &s->at[i].rows, r))
            return false;
    }
    return true;
}

bool sinks_are_full(const struct sinks *s)
{
    for (size_t i = 0; i < s->count; i++) {
        if (buf_len(&s->at[i].rows) >= ROWS_MANY)
            return true;
    }
    return false;
}

bool sinks_keep(struct sinks *s, struct journal *j, struct store_txn *t)
{
    for (size_t i = 0; i < s->count; i++) {
        if (!journal_add(j, t, s->at[i].slot, buf_peek(&s->at[i].rows)))
            return false;
    }
    return true;
}
