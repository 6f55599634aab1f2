/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/sinks.h"

#include <stdio.h>
#include <stdlib.h>

#include "acct/account.h"

enum { ROWS_MANY = 4 << 20, ROWS_MAX = 16 << 20 };

struct sink {
    const struct acct_file *conf;
    struct account *account;
    struct buf rows;
    int slot; /* the journal's */
};

struct sinks {
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

static bool open_all(struct sinks *s, const struct settings *settings, char *why, size_t size)
{
    if (settings->acct_file_count > COUNT_OF(s->at)) {
        snprintf(why, size, "there may be %zu acct-file sections", COUNT_OF(s->at));
        return false;
    }
    for (size_t i = 0; i < settings->acct_file_count; i++) {
        s->count++;
        if (!open_sink(&s->at[i], &settings->acct_files[i], why, size))
            return false;
    }
    return true;
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

bool sinks_register(struct sinks *s, struct journal *j, bool sync, char *why, size_t size)
{
    for (size_t i = 0; i < s->count; i++) {
        const struct acct_file *conf = s->at[i].conf;
        struct journal_file file = {.path = conf->head.title,
                                    .mode = conf->world_readable ? 0644 : 0640,
                                    .header = account_header(s->at[i].account),
                                    .move_to = conf->move_to,
                                    .move_interval = (double)conf->move_interval,
                                    .max_size = conf->max_size,
                                    .delete_after = (double)conf->delete_after,
                                    .count = conf->count_moved_records,
                                    .sync = sync};

        s->at[i].slot = journal_file(j, &file);
        if (s->at[i].slot < 0) {
            snprintf(why, size, "%s:%u: acct-file %s: too many files, or it is named twice",
                     conf->head.file, conf->head.line, conf->head.title);
            return false;
        }
    }
    return true;
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
    free(*s);
    *s = NULL;
}

bool sinks_add(struct sinks *s, const struct record *r)
{
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
