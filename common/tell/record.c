/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/record.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "tell/flat.h"
#include "tell/pen.h"

/* Its name, and how its member begins: with room behind it, so that all are copied alike. */
static const struct {
    struct span name;
    char text[PEN_START];
    size_t len;
} starts[] = {
#define COLUMN(name, star) {SPAN(#name), ",\"" #name "\":\"", sizeof ",\"" #name "\":\"" - 1},
#include "tell/column.def"
#undef COLUMN
};

/* What it is about, and how a line of it begins. */
static const struct {
    struct span word, head;
} deeds[] = {
#define DEED(word)                                          \
    {                                                       \
        SPAN(word), SPAN("{\"do\":\"" word "\",\"key\":\"") \
    }
    [RECORD_ROW] = DEED("row"),
    [RECORD_INTENT] = DEED("intent"),
    [RECORD_OUTCOME] = DEED("outcome"),
    [RECORD_RECEIVED] = DEED("received"),
#undef DEED
};

static const char header_[] = "header_";

/* How long values may be, in bytes before escaping; tried in turn until the line fits. A
 * remote's diagnostics give way first, then headers, then whatever is longest; the last row, which
 * has no headers, always fits. */
static const struct limit {
    size_t diag, header, other;
} limits[] = {
    {RECORD_MAX, RECORD_HEADER_VALUE, RECORD_MAX},
    {2048, RECORD_HEADER_VALUE, RECORD_MAX},
    {512, RECORD_HEADER_VALUE, RECORD_MAX},
    {512, 256, 1024},
    {512, 128, 512},
    {256, 64, 256},
    {128, 48, 128},
    {48, 0, 48},
};

const char *column_name(enum column c)
{
    return starts[c].name.at;
}

static bool same_name(struct span a, struct span b)
{
    return a.len == b.len && !strncasecmp(a.at, b.at, a.len);
}

enum column column_find(struct span name)
{
    enum column c = 0;

    while (c < COLUMN_COUNT && !same_name(name, starts[c].name))
        c++;
    return c;
}

bool record_is_header(struct span name)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-_.";

    for (size_t i = 0; i < name.len; i++)
        if (!memchr(plain, name.at[i], sizeof plain - 1))
            return false;
    return name.len > 0 && name.len < RECORD_HEADER_NAME;
}

struct span record_header(const struct record *r, struct span name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (same_name(r->header[i].name, name))
            return r->header[i].value;
    return SPAN("");
}

void record_add_header(struct record *r, struct span name, struct span value)
{
    if (r->header_count < RECORD_HEADERS && value.len > 0 && record_is_header(name) &&
        record_header(r, name).len == 0)
        r->header[r->header_count++] = (struct record_header){name, value};
}

static void put_columns(struct pen *p, const struct record *r, const struct limit *l)
{
    for (enum column c = 0; c < COLUMN_COUNT; c++)
        if (r->column[c].len > 0 && c != COLUMN_timeLogged && c != COLUMN_timeQueued)
            pen_column(p, starts[c].text, starts[c].len, r->column[c],
                       c == COLUMN_dsnDiag ? l->diag : l->other);
}

static void put_headers(struct pen *p, const struct record *r, const struct limit *l)
{
    char start[sizeof header_ + RECORD_HEADER_NAME + 8];

    for (size_t i = 0; i < r->header_count && l->header > 0; i++) {
        int len =
            snprintf(start, sizeof start, ",\"%s%.*s\":\"", header_, SPAN_ARG(r->header[i].name));

        pen_member(p, (struct span){start, (size_t)len}, r->header[i].value, l->header);
    }
}

static void put_line(struct pen *p, const struct record *r, const struct limit *l)
{
    p->len = 0;
    p->full = false;
    pen_member(p, deeds[r->what].head, r->key, RECORD_KEY_MAX);
    pen_time(p, SPAN(",\"at\":"), r->at);
    if (pen_can_time(r->queued))
        pen_time(p, SPAN(",\"queued\":"), r->queued);
    if (r->id_host.len > 0)
        pen_member(p, SPAN(",\"host\":\""), r->id_host, l->other);
    if (r->disabled)
        pen_put(p, SPAN(",\"disabled\":1"));
    put_columns(p, r, l);
    put_headers(p, r, l);
    if (r->written.len > 0)
        pen_put(p, r->written);
    pen_put(p, SPAN("}\n"));
}

bool record_write(struct buf *to, const struct record *r)
{
    struct pen p;
    size_t i = 0;

    do
        put_line(&p, r, &limits[i]);
    while (p.full && ++i < COUNT_OF(limits));
    return !p.full && buf_add(to, (struct span){p.line, p.len});
}

bool record_columns(struct buf *to, const struct record *r)
{
    struct pen p;

    p.len = 0;
    p.full = false;
    put_columns(&p, r, &limits[0]);
    return !p.full && p.len <= RECORD_WRITTEN && buf_add(to, (struct span){p.line, p.len});
}

/* Reading: `out` has what was read so far. */
struct reading {
    struct record *out;
    char *memory; /* of texts that had escapes, RECORD_MAX; NULL: there was none */
    size_t used;
    bool deed, key, at, queued, host, disabled;
    enum column last; /* that was read; COLUMN_COUNT: none yet */
};

/* Which column came behind which in lines of each kind before. Nearly always it does again, and
 * then no name is looked for: half of what reading a line took. The line is compared with what is
 * expected here, so a wrong guess costs a search and is no mistake. */
static unsigned char behind[COUNT_OF(deeds)][COLUMN_COUNT + 1];

static bool take_text(struct reading *g, const struct flat_member *m, struct span *to)
{
    *to = m->text;
    if (!m->is_text)
        return false;
    if (!m->escaped)
        return true;
    if (!g->memory && !(g->memory = malloc(RECORD_MAX)))
        return false;
    to->at = g->memory + g->used;
    g->used += to->len = flat_plain(g->memory + g->used, m->text);
    return true;
}

static bool take_time(const struct flat_member *m, double *to)
{
    *to = m->number;
    return !m->is_text && pen_can_time(*to);
}

static bool take_flag(const struct flat_member *m, bool *to)
{
    *to = m->number > 0;
    return !m->is_text;
}

static bool take_deed(const struct flat_member *m, enum record_do *to)
{
    for (size_t i = 0; i < COUNT_OF(deeds) && m->is_text; i++) {
        if (span_same(m->text, deeds[i].word)) {
            *to = (enum record_do)i;
            return true;
        }
    }
    return false;
}

/* Is it the first of this name? */
static bool once(bool *seen)
{
    bool first = !*seen;

    *seen = true;
    return first;
}

/* The column of this name in just this case. */
static enum column column_named(struct span name)
{
    enum column c = 0;

    while (c < COLUMN_COUNT && !span_same(name, starts[c].name))
        c++;
    return c;
}

/* By hand: printf took a sixth of what a record costs. */
struct span record_key(char to[RECORD_KEY_MAX], const char *session, unsigned message,
                       unsigned recipient)
{
    char *at = to + strlen(session);

    memcpy(to, session, (size_t)(at - to));
    *at++ = '.';
    at += text_decimal(at, message);
    *at++ = '.';
    at += text_decimal(at, recipient);
    return (struct span){to, (size_t)(at - to)};
}

static bool take_column(struct reading *g, enum column c, const struct flat_member *m)
{
    behind[g->out->what][g->last] = (unsigned char)c;
    g->last = c;
    return !g->out->column[c].at && take_text(g, m, &g->out->column[c]);
}

/* Names that we do not know are let be: a newer version may have written them. */
static bool take_named(struct reading *g, const struct flat_member *m)
{
    const size_t prefix = sizeof header_ - 1;
    enum column c = column_named(m->name);
    struct span value;

    if (c != COLUMN_COUNT)
        return take_column(g, c, m);
    if (!span_starts(m->name, header_))
        return true;
    if (!take_text(g, m, &value))
        return false;
    record_add_header(g->out, span_after(m->name, prefix), value);
    return true;
}

static bool take_member(struct reading *g, const struct flat_member *m)
{
    if (span_is(m->name, "do"))
        return once(&g->deed) && take_deed(m, &g->out->what);
    if (span_is(m->name, "key"))
        return once(&g->key) && take_text(g, m, &g->out->key) && g->out->key.len <= RECORD_KEY_MAX;
    if (span_is(m->name, "at"))
        return once(&g->at) && take_time(m, &g->out->at);
    if (span_is(m->name, "queued"))
        return once(&g->queued) && take_time(m, &g->out->queued);
    if (span_is(m->name, "host"))
        return once(&g->host) && take_text(g, m, &g->out->id_host);
    if (span_is(m->name, "disabled"))
        return once(&g->disabled) && take_flag(m, &g->out->disabled);
    return take_named(g, m);
}

/* Takes the next member. */
static enum flat_is take_next(struct reading *g, struct flat *f)
{
    enum column c = behind[g->out->what][g->last];
    struct flat_member m;
    enum flat_is is;

    if (flat_begins(f, (struct span){starts[c].text, starts[c].len}))
        return flat_text(f, &m) && take_column(g, c, &m) ? FLAT_MEMBER : FLAT_BAD;
    is = flat_next(f, &m);
    return is == FLAT_MEMBER && !take_member(g, &m) ? FLAT_BAD : is;
}

/* The front of a line as we write it. */
static bool take_head(struct flat *f, enum record_do *what, struct flat_member *key)
{
    size_t i = 0;

    while (i < COUNT_OF(deeds) && !flat_begins(f, deeds[i].head))
        i++;
    if (i == COUNT_OF(deeds))
        return false;
    *what = (enum record_do)i;
    return flat_text(f, key);
}

/* What comes behind that in all lines of ours and in most, if it does here. */
static bool take_time_and_host(struct reading *g, struct flat *f)
{
    struct flat_member m;

    if (flat_begins(f, SPAN(",\"at\":"))) {
        g->at = true;
        if (!flat_number(f, &m) || !take_time(&m, &g->out->at))
            return false;
    }
    if (!flat_begins(f, SPAN(",\"host\":\"")))
        return true;
    g->host = true;
    return flat_text(f, &m) && take_text(g, &m, &g->out->id_host);
}

static bool take_record(struct reading *g, struct span line)
{
    struct flat_member key;
    struct flat f;
    enum flat_is is;

    flat_init(&f, line);
    if (take_head(&f, &g->out->what, &key)) {
        g->deed = g->key = true;
        if (!take_text(g, &key, &g->out->key) || g->out->key.len > RECORD_KEY_MAX ||
            !take_time_and_host(g, &f))
            return false;
    } else {
        flat_init(&f, line);
    }
    do
        is = take_next(g, &f);
    while (is == FLAT_MEMBER);
    g->out->column[COLUMN_timeLogged] = g->out->column[COLUMN_timeQueued] = SPAN("");
    return is == FLAT_OVER && g->deed && g->key && g->at &&
           (g->out->key.len > 0 ||
            (g->out->what != RECORD_INTENT && g->out->what != RECORD_OUTCOME));
}

bool record_read(struct span line, struct record *out, struct record_memory **memory)
{
    struct reading g = {.out = out, .last = COLUMN_COUNT};

    *out = (struct record){.what = RECORD_ROW};
    *memory = NULL;
    if (line.len > 0 && line.at[line.len - 1] == '\n')
        line.len--;
    if (line.len == 0 || line.len >= RECORD_MAX)
        return false;
    if (take_record(&g, line)) {
        *memory = (struct record_memory *)g.memory;
        return true;
    }
    free(g.memory);
    *out = (struct record){.what = RECORD_ROW};
    return false;
}

bool record_peek(struct span line, enum record_do *what, struct span *key)
{
    struct flat_member m;
    struct flat f;

    flat_init(&f, line);
    if (!take_head(&f, what, &m) || m.escaped)
        return false;
    *key = m.text;
    return key->len > 0 && key->len <= RECORD_KEY_MAX;
}

void record_forget(struct record_memory **memory)
{
    free(*memory);
    *memory = NULL;
}
