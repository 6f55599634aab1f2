/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/account.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "acct/cell.h"
#include "acct/form.h"
#include "acct/mapping.h"
#include "acct/privacy.h"
#include "acct/pseudonym.h"
#include "acct/queue.h"
#include "acct/wanted.h"
#include "base/text.h"
#include "tell/alike.h"

/* A time as text: the same second comes again and again. */
struct stamp {
    time_t at;
    char text[40];
    size_t len;
};

/* A mapping with the name's bytes. */
struct stand_in {
    int type;
    enum column column;
    char header[RECORD_HEADER_NAME];
};

struct account {
    struct columns columns;
    struct texts queue_filter;
    bool iso_times, json, guard;
    char user_string[1024];
    struct stand_in *stand_ins; /* ours */
    size_t stand_in_count;
    struct privacy *privacy; /* ours; NULL: retain */
    struct stamp logged, queued;
    struct form *forms; /* ours, ALIKE_PLACES (340 KB); NULL: there was no need */
    struct buf header;
};

const char *account_type(struct span name)
{
    return type_letter(type_find(name));
}

static bool write_header(struct account *a)
{
    const struct columns *c = &a->columns;
    bool ok = true;

    for (size_t i = 0; i < c->all.count && ok; i++)
        ok = buf_addf(&a->header, "%s%.*s", i ? "," : "", SPAN_ARG(columns_name(c, c->all.at[i])));
    return ok && buf_add(&a->header, SPAN("\r\n"));
}

static bool read_mappings(struct account *a, struct texts list, char *why, size_t size)
{
    a->stand_ins = calloc(list.count + 1, sizeof *a->stand_ins);
    if (!a->stand_ins) {
        snprintf(why, size, "accounting: no memory");
        return false;
    }
    for (size_t i = 0; i < list.count; i++) {
        struct stand_in *s = &a->stand_ins[a->stand_in_count++];
        struct mapping m;
        const char *bad = mapping_read(span_of(list.at[i]), &m);

        if (bad) {
            snprintf(why, size, "map-header-to-field: '%s' %s", list.at[i], bad);
            return false;
        }
        s->type = type_find(span_of(m.type));
        s->column = m.column;
        text_copy(s->header, sizeof s->header, m.header);
    }
    return true;
}

static bool start_privacy(struct account *a, struct texts policy, char *why, size_t size)
{
    const char *bad = policy.count > 0 ? pseudonym_objection(policy) : NULL;
    bool lost = false;

    if (!bad)
        a->privacy = privacy_new(policy, &lost);
    if (bad || lost)
        snprintf(why, size, "privacy-policy: %s", bad ? bad : "no memory");
    return !bad && !lost;
}

struct account *account_new(const struct account_conf *conf, char *why, size_t size)
{
    struct account *a = calloc(1, sizeof *a);

    if (!a) {
        snprintf(why, size, "accounting: no memory");
        return NULL;
    }
    buf_init(&a->header, 16384);
    a->queue_filter = conf->queue_filter;
    a->iso_times = conf->iso_times;
    a->json = conf->json;
    a->guard = conf->guard;
    text_clean(a->user_string, sizeof a->user_string, span_of(conf->user_string));
    if (columns_read(&a->columns, conf->records, conf->fields, conf->fields_count, why, size) &&
        read_mappings(a, conf->mappings, why, size) && start_privacy(a, conf->privacy, why, size) &&
        (a->json || write_header(a)))
        return a;
    account_free(&a);
    return NULL;
}

void account_free(struct account **a)
{
    if (*a) {
        buf_clear(&(*a)->header);
        privacy_free(&(*a)->privacy);
        free((*a)->stand_ins);
        free((*a)->forms);
    }
    free(*a);
    *a = NULL;
}

struct span account_header(const struct account *a)
{
    return buf_peek(&a->header);
}

static int wanted_type(const struct account *a, const struct record *r)
{
    struct span letter = r->column[COLUMN_type];
    int type = letter.len <= 2 && !r->disabled ? type_find(letter) : -1;

    if (type < 0 || !a->columns.wanted[type] ||
        (type_has_queue(type) && !queue_passes(a->queue_filter, r->column[COLUMN_queue])))
        return -1;
    return type;
}

static struct span time_text(const struct account *a, struct stamp *s, double seconds)
{
    time_t at = (time_t)seconds;
    struct tm tm;

    if (seconds <= 0)
        return SPAN("");
    if (s->len == 0 || s->at != at) {
        s->at = at;
        if (!a->iso_times)
            s->len = (size_t)snprintf(s->text, sizeof s->text, "%lld", (long long)at);
        else if (gmtime_r(&at, &tm))
            s->len = strftime(s->text, sizeof s->text, "%Y-%m-%d %H:%M:%S+0000", &tm);
        else
            s->len = 0;
    }
    return (struct span){s->text, s->len};
}

/* The header field that stands in for this column; "" if the message has none. */
static struct span mapped(const struct account *a, int type, enum column c, const struct record *r)
{
    struct span value = SPAN("");

    for (size_t i = 0; i < a->stand_in_count && value.len == 0; i++) {
        const struct stand_in *s = &a->stand_ins[i];

        if (s->type == type && s->column == c)
            value = record_header(r, span_of(s->header));
    }
    return value;
}

/* An original recipient that comes from a header field is hidden as others are. */
static bool is_hidden(const struct account *a, enum column c)
{
    return a->privacy && c == COLUMN_orcpt;
}

static void hide(struct account *a, int type, struct record *r)
{
    struct span orcpt = mapped(a, type, COLUMN_orcpt, r);

    if (orcpt.len > 0)
        r->column[COLUMN_orcpt] = orcpt;
    privacy_apply(a->privacy, r);
}

/* Inline: as a call, 480 of 18,500 instructions of a delivery. */
static inline struct span value_of(struct account *a, int type, unsigned number,
                                   const struct record *r)
{
    enum column c = (enum column)number;
    struct span value;

    if (number >= COLUMN_COUNT)
        return record_header(r, columns_header(&a->columns, number));
    if (c == COLUMN_timeLogged)
        return time_text(a, &a->logged, r->at);
    if (c == COLUMN_timeQueued)
        return time_text(a, &a->queued, r->queued);
    value = a->stand_in_count > 0 && !is_hidden(a, c) ? mapped(a, type, c, r) : SPAN("");
    if (value.len > 0)
        return value;
    if (c == COLUMN_userString)
        return span_of(a->user_string);
    /* As in PowerMTA, it needs no mapping. */
    if (c == COLUMN_jobId && r->column[c].len == 0)
        return record_header(r, SPAN(WANTED_JOB));
    return r->column[c];
}

/* The values of a row, "" for what its type does not show, and the room that it needs. */
struct row {
    const struct column_list *columns;
    struct span value[COLUMNS_MOST];
    size_t room;
};

static void gather(struct account *a, int type, const struct record *r, struct row *out)
{
    const struct columns *c = &a->columns;

    out->columns = a->json ? &c->of[type] : &c->all;
    out->room = sizeof "{}\r\n";
    for (size_t i = 0; i < out->columns->count; i++) {
        unsigned number = out->columns->at[i];

        out->value[i] = c->has[type][number] ? value_of(a, type, number, r) : SPAN("");
        out->room += cell_room(out->value[i]) + 1;
        if (a->json)
            out->room += columns_name(c, number).len + sizeof "\"\":" - 1;
    }
}

static size_t write_csv(const struct account *a, char *to, const struct row *row)
{
    size_t len = 0;

    for (size_t i = 0; i < row->columns->count; i++) {
        if (i > 0)
            to[len++] = ',';
        len += cell_csv(to + len, row->value[i], a->guard);
    }
    to[len++] = '\r';
    to[len++] = '\n';
    return len;
}

/* Names of columns need no cleaning: mapping_header() knows what may be in them. */
static size_t write_json(const struct account *a, char *to, const struct row *row)
{
    size_t len = 0;

    for (size_t i = 0; i < row->columns->count; i++) {
        to[len++] = i > 0 ? ',' : '{';
        len += cell_json(to + len, columns_name(&a->columns, row->columns->at[i]));
        to[len++] = ':';
        len += cell_json(to + len, row->value[i]);
    }
    to[len++] = '}';
    to[len++] = '\n';
    return len;
}

/* Is this column the same in all records of this number? What a header field may stand in for is
 * not. */
static bool is_alike(const struct record *r, unsigned number)
{
    return number < COLUMN_COUNT && number != COLUMN_jobId && record_alike_has(r->alike, number);
}

static void draw_form(struct account *a, int type, const struct record *r, struct form *f)
{
    const struct columns *c = &a->columns;

    form_start(f, r->alike.number, type, a->guard);
    for (size_t i = 0; i < c->all.count; i++) {
        unsigned number = c->all.at[i];

        if (!c->has[type][number])
            form_cell(f, SPAN(""));
        else if (is_alike(r, number))
            form_cell(f, value_of(a, type, number, r));
        else
            form_blank(f, number);
    }
}

/* For records of which more come that say much the same; NULL: there is none. */
static const struct form *form_of(struct account *a, int type, const struct record *r)
{
    struct form *f;

    if (r->alike.number == 0 || a->json || a->privacy || a->stand_in_count > 0)
        return NULL;
    if (!a->forms && !(a->forms = calloc(ALIKE_PLACES, sizeof *a->forms)))
        return NULL;
    f = &a->forms[r->alike.place];
    if (f->number != r->alike.number || f->type != type)
        draw_form(a, type, r, f);
    return f->full ? NULL : f;
}

/* A reception's row takes 2,100 instructions with it, where it took 4,150. */
static bool fill_form(struct account *a, struct buf *to, const struct form *f,
                      const struct record *r)
{
    struct span values[COLUMNS_MOST];
    size_t room = f->len + sizeof "\r\n";
    char *at;

    for (size_t i = 0; i < f->blanks; i++) {
        values[i] = value_of(a, f->type, f->blank[i].column, r);
        room += cell_room(values[i]);
    }
    at = buf_reserve(to, room);
    if (at)
        buf_grew(to, form_row(f, at, values));
    return at != NULL;
}

bool account_row(struct account *a, struct buf *to, const struct record *r)
{
    const struct form *f;
    int type = wanted_type(a, r);
    struct record hidden;
    struct row row;
    char *at;

    if (type < 0)
        return true;
    f = form_of(a, type, r);
    if (f)
        return fill_form(a, to, f, r);
    if (a->privacy) {
        hidden = *r;
        hide(a, type, &hidden);
        r = &hidden;
    }
    gather(a, type, r, &row);
    at = buf_reserve(to, row.room);
    if (!at)
        return false;
    buf_grew(to, a->json ? write_json(a, at, &row) : write_csv(a, at, &row));
    return true;
}
