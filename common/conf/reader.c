/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/reader.h"

#include <stdio.h>
#include <stdlib.h>

#include "conf/token.h"

struct reader {
    struct tokens tokens;
    const char **values;
    size_t value_count, value_room;
    unsigned open_line;     /* where the outermost open section began */
    char open_name[64];     /* and its name */
    const char *value_name; /* of the last statement, if it was a value; else NULL */
    unsigned value_line;    /* where that ended */
};

#define fail(r, ...) token_fail(&(r)->tokens, __VA_ARGS__)

struct reader *reader_new(struct span text)
{
    struct reader *r = calloc(1, sizeof *r);

    if (r && !token_start(&r->tokens, text))
        reader_free(&r);
    return r;
}

void reader_free(struct reader **r)
{
    if (!*r)
        return;
    free((*r)->values);
    token_clear(&(*r)->tokens);
    free(*r);
    *r = NULL;
}

static bool add_value(struct reader *r, const char *text)
{
    if (r->value_count == r->value_room) {
        size_t room = r->value_room ? 2 * r->value_room : 8;
        const char **more = reallocarray(r->values, room, sizeof *more);

        if (!more) {
            r->tokens.lost = true;
            return fail(r, r->tokens.line, "no memory");
        }
        r->values = more;
        r->value_room = room;
    }
    r->values[r->value_count++] = text;
    return true;
}

/* People used to other files end lines with it. */
static bool ends_well(struct reader *r, enum token t, const char *name)
{
    size_t len = strlen(r->tokens.text);

    if (t != T_WORD || !len || r->tokens.text[len - 1] != ';')
        return true;
    return fail(r, r->tokens.token_line,
                "%s: lines end without a semicolon; drop it, or quote the value", name);
}

static bool list_fail(struct reader *r, enum token t, const char *name, unsigned line)
{
    if (t == T_BAD)
        return false;
    if (t == T_WORD || t == T_STRING)
        return fail(r, r->tokens.token_line, "%s: a comma is missing between its values; add it",
                    name);
    if (t != T_END)
        return fail(r, r->tokens.token_line, "%s: no list; lists are written {a, b}", name);
    r->tokens.lost = true;
    return fail(r, line, "%s: its list has no closing }; add it", name);
}

/* Behind NAME = { */
static bool take_list(struct reader *r, const char *name)
{
    unsigned line = r->tokens.token_line;

    for (;;) {
        enum token t = token_next(&r->tokens);

        if (t == T_CLOSE)
            return true;
        if (t == T_WORD || t == T_STRING) {
            if (!ends_well(r, t, name) || !add_value(r, r->tokens.text))
                return false;
            t = token_next(&r->tokens);
        }
        if (t == T_CLOSE)
            return true;
        if (t != T_COMMA || !r->value_count)
            return list_fail(r, t, name, line);
    }
}

/* Behind NAME = */
static bool take_value(struct reader *r, struct statement *out)
{
    unsigned line = r->tokens.token_line;
    enum token t = token_next(&r->tokens);
    bool there = r->tokens.token_line == line && (t == T_WORD || t == T_STRING || t == T_OPEN);

    out->kind = STATEMENT_VALUE;
    out->list = t == T_OPEN;
    r->value_count = 0;
    if (t == T_BAD)
        return false;
    if (!there) {
        token_back(&r->tokens);
        return fail(r, line, "%s: the value is missing behind =; write %s = VALUE", out->name,
                    out->name);
    }
    if (out->list ? !take_list(r, out->name)
                  : !ends_well(r, t, out->name) || !add_value(r, r->tokens.text))
        return false;
    out->values = r->values;
    out->value_count = r->value_count;
    return true;
}

static bool add_word(struct reader *r, enum token t, const char *name)
{
    if (t == T_WORD || t == T_STRING)
        return ends_well(r, t, name) && add_value(r, r->tokens.text);
    return t != T_BAD &&
           fail(r, r->tokens.token_line, "%s: a word is missing behind the comma; add it", name);
}

/* a, b, c to the end of the line; behind a comma they may go on on the next one. */
static bool take_commas(struct reader *r, const char *name, unsigned line)
{
    enum token t = token_next(&r->tokens);

    if (t == T_OPEN)
        return take_list(r, name);
    if (t == T_BAD)
        return false;
    if ((t != T_WORD && t != T_STRING) || r->tokens.token_line != line) {
        token_back(&r->tokens);
        return fail(r, line, "%s: its words are missing; write %s NAME a, b, c", name, name);
    }
    for (;; t = token_next(&r->tokens)) {
        if (!add_word(r, t, name))
            return false;
        unsigned last = r->tokens.token_line;

        t = token_next(&r->tokens);
        if (t == T_COMMA)
            continue;
        if (t == T_BAD || (r->tokens.token_line == last && (t == T_WORD || t == T_STRING)))
            return list_fail(r, t, name, last);
        token_back(&r->tokens);
        return true;
    }
}

/* Words to the end of the line. */
static bool take_words(struct reader *r, const char *name, unsigned line)
{
    enum token t = token_next(&r->tokens);

    for (; (t == T_WORD || t == T_STRING) && r->tokens.token_line == line;
         t = token_next(&r->tokens))
        if (!ends_well(r, t, name) || !add_value(r, r->tokens.text))
            return false;
    if (t == T_BAD)
        return false;
    token_back(&r->tokens);
    return true;
}

/* What PowerMTA writes on one line: behind NAME TITLE. */
static bool take_line(struct reader *r, struct statement *out, bool commas)
{
    out->kind = STATEMENT_LINE;
    r->value_count = 0;
    if (commas ? !take_commas(r, out->name, out->line) : !take_words(r, out->name, out->line))
        return false;
    out->list = true;
    out->values = r->values;
    out->value_count = r->value_count;
    return true;
}

/* Behind NAME TITLE { */
static bool open_section(struct reader *r, struct statement *out, bool outside)
{
    out->kind = STATEMENT_OPEN;
    if (outside) {
        r->open_line = out->line;
        snprintf(r->open_name, sizeof r->open_name, "%s%s%s", out->name, *out->title ? " " : "",
                 out->title);
    }
    return true;
}

/* Behind NAME TITLE, or include FILE. */
static bool take_open(struct reader *r, struct statement *out)
{
    bool outside = !r->tokens.braces;
    enum token t;

    out->title = r->tokens.text;
    if (!strcmp(out->name, "include")) {
        out->kind = STATEMENT_INCLUDE;
        if (outside)
            return true;
        return fail(r, out->line, "include: stands outside of sections only; move it");
    }
    if (!strcmp(out->name, "domain-macro") || !strcmp(out->name, "mx"))
        return take_line(r, out, *out->name == 'd');
    t = token_next(&r->tokens);
    if (t == T_OPEN)
        return open_section(r, out, outside);
    if (t == T_BAD)
        return false;
    token_back(&r->tokens);
    return fail(r, out->line,
                "%s: neither %s = VALUE nor a section %s TITLE { ... }; a value of several words "
                "is quoted, several values are {a, b}",
                out->name, out->name, out->name);
}

/* The one title in braces that there is: PowerMTA writes it without quotes. What is before it and
 * is no such title stays to be read. */
static bool has_braced_title(struct reader *r)
{
    static char title[] = "{auth}";
    struct tokens *t = &r->tokens;
    const struct token_mark open = t->before;

    if (token_next(t) == T_WORD && !strcmp(t->text, "auth") && token_next(t) == T_CLOSE) {
        t->text = title;
        return true;
    }
    t->before = open;
    token_back(t);
    return false;
}

static bool take_statement(struct reader *r, struct statement *out)
{
    enum token t;

    if (!token_is_name(&r->tokens, r->tokens.text))
        return false;
    out->name = r->tokens.text;
    t = token_next(&r->tokens);
    if (t == T_BAD)
        return false;
    if (t == T_EQUALS)
        return take_value(r, out);
    if ((t == T_WORD || t == T_STRING) && r->tokens.token_line == out->line)
        return take_open(r, out);
    if (t == T_OPEN) {
        out->title = "";
        r->tokens.regexes = !strcmp(out->name, "bounce-category-patterns");
        if (r->tokens.regexes || !strcmp(out->name, "mx-rollup-list"))
            return open_section(r, out, r->tokens.braces == 1);
        if (!strcmp(out->name, "source") && has_braced_title(r))
            return take_open(r, out);
        token_back(&r->tokens);
        return fail(r, out->line, "%s: the title of the section is missing; write %s TITLE { ... }",
                    out->name, out->name);
    }
    token_back(&r->tokens);
    return fail(r, out->line,
                "%s: = and a value are missing behind it; or quote it with the value before it",
                out->name);
}

/* NAME = VALUE, NAME = VALUE is what people write on one line, and can mean one thing only. */
static bool take_after_comma(struct reader *r, struct statement *out)
{
    enum token t = r->value_name ? token_next(&r->tokens) : T_COMMA;
    unsigned line = out->line;

    if (t == T_WORD) {
        char *name = r->tokens.text;

        out->line = r->tokens.token_line;
        out->name = name;
        t = token_next(&r->tokens);
        if (t == T_EQUALS)
            return token_is_name(&r->tokens, name) && take_value(r, out);
    }
    if (t == T_BAD)
        return false;
    if (r->value_name)
        token_back(&r->tokens);
    return fail(r, line, ",: stands outside of a list; several values are {a, b}, else quote it");
}

/* /REGEX/ CATEGORY: a section on one line, whose name only we know. */
static bool take_pattern(struct reader *r, struct statement *out)
{
    out->name = "pattern";
    out->title = r->tokens.text;
    return take_line(r, out, false);
}

static bool take_end(struct reader *r)
{
    if (!r->tokens.braces)
        return true;
    r->tokens.lost = true;
    return fail(r, r->open_line, "%s: the section has no closing }; add it", r->open_name);
}

/* What stands behind a value and is no statement may belong to the value, and that may be a
 * password: then only the option is named. Always false. */
static bool hide(struct reader *r, const struct statement *out)
{
    if (out->kind == STATEMENT_END && r->value_name && out->line == r->value_line)
        fail(r, out->line,
             "%s: more than a value stands there; a value of several words is quoted, several "
             "values are {a, b}",
             r->value_name);
    return false;
}

static bool take_any(struct reader *r, struct statement *out)
{
    bool inside = r->tokens.braces > 0;
    enum token t = token_next(&r->tokens);

    out->line = r->tokens.token_line;
    switch (t) {
    case T_END:
        return take_end(r);
    case T_REGEX:
        return take_pattern(r, out);
    case T_WORD:
        if (r->tokens.regexes)
            return fail(r, out->line, "%s: no pattern; write /PATTERN/ CATEGORY", r->tokens.text);
        return take_statement(r, out) || hide(r, out);
    case T_CLOSE:
        out->kind = STATEMENT_CLOSE;
        r->tokens.regexes = false;
        return inside || fail(r, out->line, "}: no section is open here; drop it");
    case T_STRING:
        fail(r, out->line, "a text where a name should be; write NAME = \"TEXT\"");
        return hide(r, out);
    case T_COMMA:
        return take_after_comma(r, out);
    case T_EQUALS:
        return fail(r, out->line, "=: no name before it; a value with = in it is quoted");
    case T_OPEN:
        return fail(r, out->line, "{: neither NAME TITLE nor NAME = before it; add it");
    case T_BAD:
        break;
    }
    return false;
}

void reader_next(struct reader *r, struct statement *out)
{
    *out = (struct statement){.kind = STATEMENT_END, .name = ""};
    if (!take_any(r, out))
        out->kind = STATEMENT_ERROR;
    r->value_name = out->kind == STATEMENT_VALUE ? out->name : NULL;
    r->value_line = r->tokens.token_line;
}

const char *reader_error(const struct reader *r, unsigned *line)
{
    *line = r->tokens.error_line;
    return r->tokens.error;
}

bool reader_skip(struct reader *r)
{
    if (r->tokens.lost)
        return false;
    if (!r->tokens.braces && r->tokens.last != T_CLOSE)
        token_skip_line(&r->tokens);
    while (r->tokens.braces && !r->tokens.lost)
        if (token_next(&r->tokens) == T_END)
            return take_end(r);
    r->tokens.regexes = false;
    return !r->tokens.lost;
}
