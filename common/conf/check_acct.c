/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/checks.h"

#include <ctype.h>

#include "conf/fields.h"
#include "conf/settings.h"
#include "conf/value.h"
#include "acct/account.h"
#include "acct/command.h"
#include "acct/mapping.h"
#include "acct/pseudonym.h"
#include "acct/queue.h"

void check_milter_listener(struct check *c, struct section *s)
{
    struct span rest = span_of(s->head->title), way = span_cut(&rest, ':');
    bool local = span_is(way, "unix") || span_is(way, "local");
    bool net = span_is(way, "inet") || span_is(way, "inet6");

    if ((local && rest.len > 1 && rest.at[0] == '/') ||
        (net && rest.len && isdigit((unsigned char)rest.at[0])))
        return;
    wrong(c, s, "milter-listener",
          "'%s' is no socket; write unix:/run/sallyport/milter or "
          "inet:8890@127.0.0.1",
          s->head->title);
}

static bool has_type(const struct texts *records, const char *letter)
{
    for (size_t i = 0; i < records->count; i++) {
        if (span_is(span_of(records->at[i]), letter))
            return true;
    }
    return false;
}

static void check_mappings(struct check *c, struct section *s, const struct acct_file *f)
{
    for (size_t i = 0; i < f->map_header_to_field.count; i++) {
        const char *text = f->map_header_to_field.at[i];
        struct mapping m;
        const char *bad = mapping_read(span_of(text), &m);

        if (bad)
            wrong(c, s, "map-header-to-field", "'%s' %s", text, bad);
        else if (!has_type(&f->records, m.type))
            wrong(c, s, "map-header-to-field",
                  "'%s' is for records that are not written here; add %s to records or drop it",
                  text, m.type);
    }
}

static void check_queue_filter(struct check *c, struct section *s, const struct acct_file *f)
{
    const struct texts *list = &f->queue_filter;
    bool any = list->count == 0, queues = list->count == 0;

    for (size_t i = 0; i < list->count; i++) {
        if (!queue_is_pattern(span_of(list->at[i])))
            wrong(c, s, "queue-filter",
                  "'%s' is no pattern; write DOMAIN/VMTA, such as example.com/* or !*/{default}, "
                  "other alphabets as xn--",
                  list->at[i]);
        any = any || list->at[i][0] != '!';
    }
    for (size_t i = 0; i < f->records.count; i++)
        queues = queues || type_has_queue(type_find(span_of(f->records.at[i])));
    if (!queues)
        wrong(c, s, "queue-filter", "r records have no queue; add others to records or drop it");
    else if (!any)
        wrong(c, s, "queue-filter",
              "all of it begins with !, so nothing would be written; add \"*/*\" at its end");
}

/* False: its columns are wrong, and that is said, or will be of a section in it. */
static bool read_columns(struct check *c, struct section *s, const struct acct_file *f,
                         struct columns *out)
{
    struct account_fields fields[TYPES];
    size_t count = 0;
    char why[256];

    for (const struct section *in = c->list; in; in = in->next) {
        const struct record_fields *r = (const struct record_fields *)in->head;
        const char *best = NULL;

        if (in->inside != s)
            continue;
        if (in->bad || count == TYPES || !account_type(span_of(r->head.title)) ||
            fields_unknown(&r->fields, &best))
            return false;
        fields[count++] = (struct account_fields){r->head.title, r->fields};
    }
    if (columns_read(out, f->records, fields, count, why, sizeof why))
        return true;
    wrong(c, s, "acct-file", "%s", why);
    return false;
}

static bool shows(const struct columns *columns, enum column column)
{
    for (int type = 0; type < TYPES; type++) {
        if (columns->has[type][column])
            return true;
    }
    return false;
}

/* Options that cannot do what they say. */
static void check_effects(struct check *c, struct section *s, const struct acct_file *f)
{
    struct columns columns;
    struct mapping m;

    if (f->csv_guard && f->format == ACCT_JSON)
        wrong(c, s, "csv-guard", "is for format = csv; write that or drop it");
    if (!read_columns(c, s, f, &columns))
        return;
    if (*f->user_string && !shows(&columns, COLUMN_userString))
        wrong(c, s, "user-string", "no record-fields names userString; add that or drop it");
    for (size_t i = 0; i < f->map_header_to_field.count; i++) {
        const char *text = f->map_header_to_field.at[i];

        if (!mapping_read(span_of(text), &m) && !columns.has[type_find(span_of(m.type))][m.column])
            wrong(c, s, "map-header-to-field",
                  "'%s': record-fields %s does not name %s; add that or drop it", text, m.type,
                  column_name(m.column));
    }
}

static void check_moves(struct check *c, struct section *s, const struct acct_file *f)
{
    if (*f->move_to &&
        option_is_set(s->kind->options, s->head, offsetof(struct acct_file, delete_after)))
        wrong(c, s, "delete-after", "is for files that are not moved; drop it or move-to");
}

/* Columns of records that are not written. */
static void check_unwritten(struct check *c, struct section *s, const struct acct_file *f)
{
    for (struct section *in = c->list; in; in = in->next) {
        const char *type = in->inside == s ? account_type(span_of(in->head->title)) : NULL;

        if (type && !has_type(&f->records, type))
            wrong(c, in, "record-fields", "%s is not in records; add it there, or drop this", type);
    }
}

/* Two ways to write a path are two files for us: one way is left. */
static const char *plain_path(struct arena *arena, const char *path)
{
    char *plain = arena_get(arena, strlen(path) + 1, 1);
    size_t len = 0;

    while (!strncmp(path, "./", 2))
        path += 2;
    for (; *path; path++) {
        bool doubled = path[0] == '/' && path[1] == '/';
        bool here = path[0] == '/' && path[1] == '.' && path[2] == '/';

        if (doubled)
            continue;
        if (here)
            path++;
        else
            plain[len++] = *path;
    }
    return plain;
}

/* The keys are not shown. */
static void check_privacy(struct check *c, struct section *s, const struct acct_file *f)
{
    const char *bad = pseudonym_objection(f->privacy_policy);

    if (bad)
        wrong(c, s, "privacy-policy", "%s", bad);
}

void check_acct_file(struct check *c, struct section *s)
{
    struct acct_file *f = (struct acct_file *)s->head;
    const char *bad;

    if (command_is(f->head.title))
        check_acct_program(c, s);
    else
        f->head.title = plain_path(
            c->arena, value_path(c->arena, value_folder(c->arena, f->head.file), f->head.title));
    check_acct_options(c, s);
    bad = fields_types(&f->records, c->arena);
    if (bad) {
        wrong(c, s, "records", "'%s' is no type of records; write d, b, t, tq or r", bad);
        return;
    }
    check_mappings(c, s, f);
    check_queue_filter(c, s, f);
    check_privacy(c, s, f);
    check_effects(c, s, f);
    check_moves(c, s, f);
    check_unwritten(c, s, f);
}

void check_record_fields(struct check *c, struct section *s)
{
    struct record_fields *f = (struct record_fields *)s->head;
    const char *letter = account_type(span_of(f->head.title));
    const char *bad, *best = NULL;

    if (!letter) {
        wrong(c, s, "record-fields", "'%s' is no type of records; write d, b, t, tq or r",
              f->head.title);
        return;
    }
    f->head.title = letter;
    bad = fields_unknown(&f->fields, &best);
    if (bad && span_starts_nocase(span_after(span_of(bad), *bad == '!'), "header_"))
        wrong(c, s, "fields",
              "'%s' names no header field; write header_ and its name, such as header_X-Campaign",
              bad);
    else if (bad && strchr(bad, ','))
        wrong(c, s, "fields", "'%s' is more than one column; write {*, !vmta, header_X}", bad);
    else if (bad && best)
        wrong(c, s, "fields", "no such column '%s'; is it %s?", bad, best);
    else if (bad)
        wrong(c, s, "fields", "no such column '%s'; see sallyport.conf(5)", bad);
}
