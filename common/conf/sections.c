/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/sections.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/value.h"

enum { KINDS = 32, DEPTH = 2, INCLUDES = 8, FILE_MOST = 64 << 20, WHY = 1536 };

/* A file that is being read; by include they stand inside each other. */
struct file {
    const char *path, *folder;
    const struct file *from;
    unsigned depth;
};

struct gathering {
    const struct kind *kinds;
    const void *defaults[KINDS]; /* a struct of each kind that came, as it is without options */
    struct arena *arena;
    struct problems *problems;
    struct section *global, *last; /* the list */
    const struct file *file;
    struct reader *reader;
    unsigned depth; /* of open sections */
    struct {
        struct section *section;
        struct conf conf;
    } open[DEPTH];
};

static struct section *innermost(const struct gathering *r)
{
    return r->depth ? r->open[r->depth - 1].section : r->global;
}

/* The file's own options are no section: each may be wrong by itself. */
static void note(struct gathering *r, struct section *s, unsigned line, const char *text)
{
    if (!s->bad)
        problem_add(r->problems, r->file->path, line, NULL, "%s", text);
    s->bad = s != r->global;
    s->hurt = true;
}

void section_wrong(struct section *s, struct problems *problems, const char *name, const char *fmt,
                   ...)
{
    const struct option *o = conf_find(s->kind->options, name);
    unsigned line = o ? s->lines[o - s->kind->options] : 0;
    char text[WHY];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!s->bad)
        problem_add(problems, s->head->file, line ? line : s->head->line, name, "%s", text);
    s->bad = true;
}

static const void *defaults_of(struct gathering *r, const struct kind *kind)
{
    size_t at = (size_t)(kind - r->kinds);
    void *made;

    if (at >= KINDS)
        abort(); /* the table is too long */
    if (!r->defaults[at]) {
        r->defaults[at] = made = arena_get(r->arena, 1, kind->size);
        value_defaults(kind->options, r->arena, made);
    }
    return r->defaults[at];
}

static struct section *section_new(struct gathering *r, const struct kind *kind, const char *title,
                                   unsigned line)
{
    struct section *s = arena_get(r->arena, 1, sizeof *s);
    size_t rows = 0;

    while (kind->options[rows].name)
        rows++;
    s->kind = kind;
    s->head = arena_get(r->arena, 1, kind->size);
    s->lines = arena_get(r->arena, rows, sizeof *s->lines);
    memcpy(s->head, defaults_of(r, kind), kind->size);
    s->head->title = arena_text(r->arena, span_of(title));
    s->head->file = r->file->path;
    s->head->line = line;
    s->head->lines = s->lines;
    s->inside = r->depth ? innermost(r) : NULL;
    if (r->last)
        r->last->next = s;
    r->last = s;
    return s;
}

static void parse(struct gathering *r, struct section *s, struct conf *conf)
{
    struct conf_into into = {s->kind->options, s->head, s->lines, r->file->folder, r->arena};
    char why[WHY];
    unsigned line = 0;

    if (s->bad)
        conf_drop(conf);
    else if (!conf_end(conf, &into, why, sizeof why, &line))
        note(r, s, line, why);
}

/* After a mistake that none of them can go on from. */
static void abandon(struct gathering *r)
{
    while (r->depth) {
        r->open[--r->depth].section->bad = true;
        conf_drop(&r->open[r->depth].conf);
    }
}

static void on_close(struct gathering *r)
{
    struct section *s = innermost(r);

    parse(r, s, &r->open[r->depth - 1].conf);
    r->depth--;
}

static void note_unknown(struct gathering *r, struct section *s, const struct statement *st)
{
    char names[OPTION_MOST][OPTION_NAME], text[WHY];
    const char *best = NULL;
    size_t n = 0;

    for (const struct option *o = s->kind->options; o->name && n < OPTION_MOST; o++)
        name_suggest(st->name, conf_name(o, names[n++]), &best);
    snprintf(text, sizeof text, "%s: no such option %s%s%s%s%s", st->name,
             s == r->global ? "outside of sections" : "in ", s->kind->name, best ? "; is it " : "",
             best ? best : "; see sallyport.conf(5)", best ? "?" : "");
    note(r, s, st->line, text);
}

static void on_value(struct gathering *r, const struct statement *st)
{
    struct section *s = innermost(r);
    const struct option *o = conf_find(s->kind->options, st->name);
    struct conf alone;
    char text[WHY];

    if (s->bad)
        return;
    if (!o) {
        note_unknown(r, s, st);
    } else if (st->list && !value_is_list(o)) {
        snprintf(text, sizeof text, "%s: takes one value; write it without { }", st->name);
        note(r, s, st->line, text);
    } else if (r->depth) {
        conf_add(&r->open[r->depth - 1].conf, st, (size_t)(o - s->kind->options));
    } else {
        conf_start(&alone, st->line);
        conf_add(&alone, st, (size_t)(o - s->kind->options));
        parse(r, s, &alone);
    }
}

static const struct kind *find_kind(const struct gathering *r, const char *name)
{
    for (const struct kind *k = r->kinds + 1; k->name; k++)
        if (!strcmp(k->name, name))
            return k;
    return NULL;
}

/* The name of a kind that stands in none is the end of the section before it, whose } is missing:
 * what follows would not be what it seems. */
static bool note_misplaced(struct gathering *r, const struct statement *st, const struct kind *kind)
{
    struct section *outer = r->depth ? r->open[0].section : r->global;
    const char *best = NULL;
    char text[WHY];

    if (kind && !kind->inside) {
        snprintf(text, sizeof text,
                 "%s %s: the section has no closing } before %s %s in line %u; add it",
                 outer->kind->name, outer->head->title, st->name, st->title, st->line);
        note(r, outer, outer->head->line, text);
        return false;
    }
    for (const struct kind *k = r->kinds + 1; k->name; k++)
        if (!k->inside)
            name_suggest(st->name, k->name, &best);
    if (kind)
        snprintf(text, sizeof text, "%s: stands inside of %s only; move it", st->name,
                 kind->inside);
    else
        snprintf(text, sizeof text, "%s: no such section%s%s%s", st->name, best ? "; is it " : "",
                 best ? best : "; see sallyport.conf(5)", best ? "?" : "");
    note(r, outer, st->line, text);
    abandon(r);
    return reader_skip(r->reader);
}

/* May one of this kind stand here? */
static bool fits(const struct gathering *r, const struct kind *kind)
{
    const char *inside = r->depth ? innermost(r)->kind->name : NULL;

    return kind && (kind->inside ? inside && !strcmp(kind->inside, inside) : !inside);
}

static bool on_line(struct gathering *r, const struct statement *st)
{
    const struct kind *kind = find_kind(r, st->name);
    struct statement value = *st;
    struct section *s;
    struct conf conf;
    char name[OPTION_NAME];

    if (!fits(r, kind))
        return note_misplaced(r, st, kind);
    s = section_new(r, kind, st->title, st->line);
    value.name = conf_name(kind->options, name);
    conf_start(&conf, st->line);
    conf_add(&conf, &value, 0);
    parse(r, s, &conf);
    return true;
}

static bool on_open(struct gathering *r, const struct statement *st)
{
    const struct kind *kind = find_kind(r, st->name);
    struct section *s;
    char text[WHY];

    if (!fits(r, kind) || r->depth == DEPTH)
        return note_misplaced(r, st, kind);
    s = section_new(r, kind, st->title, st->line);
    r->open[r->depth].section = s;
    conf_start(&r->open[r->depth++].conf, st->line);
    if (*st->title && !*kind->title) {
        snprintf(text, sizeof text, "%s: has no title; drop %s", kind->name, st->title);
        note(r, s, st->line, text);
    }
    if (!*st->title && *kind->title) {
        snprintf(text, sizeof text, "%s: the title is empty; write %s %s { ... }", kind->name,
                 kind->name, kind->title);
        note(r, s, st->line, text);
    }
    return true;
}

static bool on_error(struct gathering *r)
{
    unsigned line;
    const char *text = reader_error(r->reader, &line);

    note(r, innermost(r), line, text);
    abandon(r);
    return reader_skip(r->reader);
}

static void on_include(struct gathering *r, const struct statement *st);

static void read_text(struct gathering *r, struct span text, const struct file *file)
{
    struct gathering before = *r;
    struct statement st;
    bool going = true;

    r->file = file;
    r->reader = reader_new(text);
    if (!r->reader)
        abort(); /* no memory: as in the arena */
    while (going) {
        reader_next(r->reader, &st);
        if (st.kind == STATEMENT_END)
            break;
        if (st.kind == STATEMENT_VALUE)
            on_value(r, &st);
        else if (st.kind == STATEMENT_CLOSE)
            on_close(r);
        else if (st.kind == STATEMENT_INCLUDE)
            on_include(r, &st);
        else if (st.kind == STATEMENT_LINE)
            going = on_line(r, &st);
        else
            going = st.kind == STATEMENT_OPEN ? on_open(r, &st) : on_error(r);
    }
    abandon(r);
    reader_free(&r->reader);
    r->file = before.file;
    r->reader = before.reader;
}

/* All of a regular file; false with `why`. */
static bool load(const char *path, struct span *out, char *why, size_t size)
{
    int fd = value_is_readable(path, why, size) ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    struct stat st;
    char *bytes;
    ssize_t got;

    if (fd < 0)
        return false;
    if (fstat(fd, &st) || st.st_size > FILE_MOST || !(bytes = malloc((size_t)st.st_size + 1))) {
        snprintf(why, size, "%s is too big", path);
        close(fd);
        return false;
    }
    *out = (struct span){bytes, 0};
    while (out->len < (size_t)st.st_size &&
           (got = read(fd, bytes + out->len, (size_t)st.st_size - out->len)) > 0)
        out->len += (size_t)got;
    close(fd);
    return true;
}

static bool read_file(struct gathering *r, const char *path, char *why, size_t size)
{
    struct file file = {.path = arena_text(r->arena, span_of(path)), .from = r->file};
    struct span text;

    file.depth = r->file ? r->file->depth + 1 : 0;
    file.folder = value_folder(r->arena, file.path);
    if (file.depth > INCLUDES) {
        snprintf(why, size, "%s stands %d files deep; does it include itself?", path, INCLUDES);
        return false;
    }
    if (!load(path, &text, why, size))
        return false;
    read_text(r, text, &file);
    free((char *)text.at);
    return true;
}

/* Wildcards that fit no file are no mistake: an empty conf.d. */
static void on_include(struct gathering *r, const struct statement *st)
{
    const char *pattern = value_path(r->arena, r->file->folder, st->title);
    char why[WHY], text[2 * WHY];
    glob_t found = {0};

    if (!glob(pattern, GLOB_NOMAGIC, NULL, &found)) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            if (read_file(r, found.gl_pathv[i], why, sizeof why))
                continue;
            snprintf(text, sizeof text, "include: %s; mend or drop it", why);
            note(r, r->global, st->line, text);
        }
    }
    globfree(&found);
}

static void start(struct gathering *r, const char *path)
{
    static const struct file none = {"", "", NULL, 0};

    r->file = &none;
    r->global = section_new(r, r->kinds, "", 0);
    r->global->head->file = arena_text(r->arena, span_of(path));
    r->file = NULL;
}

struct section *sections_read_text(struct span text, const char *path, const struct kind *kinds,
                                   struct arena *arena, struct problems *problems)
{
    struct gathering r = {.kinds = kinds, .arena = arena, .problems = problems};
    struct file file = {.path = arena_text(arena, span_of(path)),
                        .folder = value_folder(arena, path)};

    start(&r, path);
    read_text(&r, text, &file);
    return r.global;
}

struct section *sections_read(const char *path, const struct kind *kinds, struct arena *arena,
                              struct problems *problems)
{
    struct gathering r = {.kinds = kinds, .arena = arena, .problems = problems};
    char why[WHY], line[WHY + 64];

    start(&r, path);
    if (!read_file(&r, path, why, sizeof why)) {
        snprintf(line, sizeof line, "%s; name another file with -c", why);
        problem_add_line(problems, line);
    }
    return r.global;
}
