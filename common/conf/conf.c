/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/conf.h"

#include <confuse.h>
#include <stdlib.h>

#include "conf/value.h"

enum { WHY = 1024 };

/* libconfuse calls back for each element of a list, not for its end (nor for an empty one). So
 * behind each statement stands this one with the name of the option that now is whole. */
static char whole[] = "_";

/* libconfuse brings no pointer of ours to its callbacks. */
static struct {
    const struct conf_into *into;
    char *why;
    size_t size;
    unsigned *line, first_line;
    bool bad;
} now;

const char *conf_name(const struct option *o, char to[OPTION_NAME])
{
    size_t n = 0;

    for (; n < OPTION_NAME - 1 && o->name[n]; n++)
        to[n] = (char)(o->name[n] == '_' ? '-' : o->name[n]);
    to[n] = '\0';
    return to;
}

/* Is `name` the option's, with '-' for '_'? */
static bool is_name_of(const struct option *o, const char *name)
{
    const char *own = o->name;

    for (; *own && (*own == '_' ? '-' : *own) == *name; own++)
        name++;
    return !*own && !*name;
}

const struct option *conf_find(const struct option *options, const char *name)
{
    for (const struct option *o = options; o->name; o++)
        if (is_name_of(o, name))
            return o;
    return NULL;
}

void conf_start(struct conf *c, unsigned line)
{
    *c = (struct conf){.first_line = line, .last_line = line, .room = 256};
    c->bytes = malloc(c->room);
    if (!c->bytes)
        abort(); /* no memory: as in the arena */
}

static void add(struct conf *c, char byte)
{
    if (c->len == c->room) {
        c->room *= 2;
        c->bytes = realloc(c->bytes, c->room);
        if (!c->bytes)
            abort();
    }
    c->bytes[c->len++] = byte;
}

static void add_text(struct conf *c, const char *text)
{
    for (; *text; text++)
        add(c, *text);
}

static void add_quoted(struct conf *c, const char *text)
{
    add(c, '\'');
    for (; *text; text++) {
        if (*text == '\'' || *text == '\\')
            add(c, '\\');
        add(c, *text);
    }
    add(c, '\'');
}

void conf_add(struct conf *c, const struct statement *st, size_t row)
{
    c->used |= UINT64_C(1) << row;
    for (; c->last_line < st->line; c->last_line++)
        add(c, '\n');
    add_text(c, st->name);
    add_text(c, st->list ? " = {" : " = ");
    for (size_t i = 0; i < st->value_count; i++) {
        add_text(c, i ? ", " : "");
        add_quoted(c, st->values[i]);
    }
    add_text(c, st->list ? "} " : " ");
    add_text(c, whole);
    add_text(c, " = ");
    add_quoted(c, st->name);
    add(c, ' ');
}

void conf_drop(struct conf *c)
{
    free(c->bytes);
    *c = (struct conf){0};
}

static unsigned line_of(const cfg_t *cfg)
{
    return now.first_line + (cfg && cfg->line > 0 ? (unsigned)cfg->line - 1 : 0);
}

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *fmt, va_list ap)
{
    if (now.bad)
        return;
    vsnprintf(now.why, now.size, fmt, ap);
    *now.line = line_of(cfg);
    now.bad = true;
}

/* The option that `mark` names has got its value. */
static int on_whole(cfg_t *cfg, cfg_opt_t *mark)
{
    const struct conf_into *to = now.into;
    const char *name = cfg_opt_getstr(mark);
    cfg_opt_t *opt = cfg_getopt(cfg, name);
    const struct option *o = conf_find(to->options, name);
    uint64_t bit = UINT64_C(1) << (o - to->options);
    const char **texts = arena_get(to->arena, opt->nvalues, sizeof *texts);
    char why[WHY];

    for (unsigned i = 0; i < opt->nvalues; i++)
        texts[i] = cfg_opt_getnstr(opt, i);
    if ((to->head->set & bit) && o->kind != OPTION_CERTS) {
        cfg_error(cfg, "%s: is given twice, first in line %u; keep one of them", name,
                  to->lines[o - to->options]);
        return -1;
    }
    if (!value_read(o, (struct said){texts, opt->nvalues}, to->folder, to->arena, to->head, why,
                    sizeof why)) {
        cfg_error(cfg, "%s: %s", name, why);
        return -1;
    }
    to->head->set |= bit;
    to->lines[o - to->options] = line_of(cfg);
    return 0;
}

/* Only those that the section has: libconfuse copies them all for each section. */
static void list_rows(const struct option *options, uint64_t used, cfg_opt_t *rows,
                      char (*names)[OPTION_NAME])
{
    cfg_opt_t mark = CFG_STR(whole, NULL, CFGF_NONE);

    for (const struct option *o = options; o->name; o++) {
        if (!(used & UINT64_C(1) << (o - options)))
            continue;
        cfg_opt_t scalar = CFG_STR(*names, NULL, CFGF_NONE);
        cfg_opt_t list = CFG_STR_LIST(*names, NULL, CFGF_NONE);

        conf_name(o, *names++);
        *rows++ = value_is_list(o) ? list : scalar;
    }
    mark.validcb = on_whole;
    *rows++ = mark;
    *rows = (cfg_opt_t)CFG_END();
}

bool conf_end(struct conf *c, const struct conf_into *into, char *why, size_t size, unsigned *line)
{
    cfg_opt_t rows[OPTION_MOST + 2];
    char names[OPTION_MOST][OPTION_NAME];
    cfg_t *cfg;

    if (!c->used) {
        conf_drop(c);
        return true;
    }
    add(c, '\0');
    now.into = into;
    now.why = why;
    now.size = size;
    now.line = line;
    now.first_line = c->first_line;
    now.bad = false;
    list_rows(into->options, c->used, rows, names);
    cfg = cfg_init(rows, CFGF_NONE);
    if (!cfg)
        abort();
    cfg_set_error_function(cfg, on_error);
    if (cfg_parse_buf(cfg, c->bytes) != CFG_SUCCESS)
        cfg_error(cfg, "libconfuse cannot read this section; look for what is unusual in it");
    cfg_free(cfg);
    conf_drop(c);
    return !now.bad;
}
