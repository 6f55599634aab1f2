/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/token.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool token_start(struct tokens *t, struct span text)
{
    *t = (struct tokens){.line = 1, .rest = text};
    /* Each token costs at least a byte of the file, and here its NUL too. */
    t->memory = t->room = malloc(2 * text.len + 2);
    if (span_starts_nocase(text, "\xef\xbb\xbf")) /* UTF-8's mark */
        t->rest = span_after(text, 3);
    return t->memory;
}

void token_clear(struct tokens *t)
{
    free(t->memory);
    t->memory = NULL;
}

bool token_fail(struct tokens *t, unsigned line, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(t->error, sizeof t->error, fmt, ap);
    va_end(ap);
    t->error_line = line;
    return false;
}

static int peek(const struct tokens *t)
{
    return t->rest.len ? (unsigned char)t->rest.at[0] : -1;
}

static int take(struct tokens *t)
{
    int c = peek(t);

    if (c < 0)
        return c;
    t->line += c == '\n';
    t->rest = span_after(t->rest, 1);
    return c;
}

void token_skip_line(struct tokens *t)
{
    while (peek(t) >= 0 && peek(t) != '\n')
        take(t);
}

static bool take_c_comment(struct tokens *t)
{
    unsigned line = t->line;

    for (t->rest = span_after(t->rest, 2); t->rest.len; take(t)) {
        if (span_starts_nocase(t->rest, "*/")) {
            t->rest = span_after(t->rest, 2);
            return true;
        }
    }
    t->lost = true;
    return token_fail(t, line, "/*: the comment has no end; close it with */");
}

/* Spaces and comments. */
static bool take_blank(struct tokens *t)
{
    for (;;) {
        int c = peek(t);

        if (c == '#' || (!t->regexes && span_starts_nocase(t->rest, "//")))
            token_skip_line(t);
        else if (span_starts_nocase(t->rest, "/*")) {
            if (!take_c_comment(t))
                return false;
        } else if (c == ' ' || c == '\t' || c == '\r' || c == '\n')
            take(t);
        else
            return true;
    }
}

static enum token end_text(struct tokens *t, enum token kind)
{
    *t->room++ = '\0';
    return kind;
}

static enum token take_string(struct tokens *t)
{
    unsigned line = t->line;
    int quote = take(t);

    for (;;) {
        int c = take(t);

        if (c == quote)
            return end_text(t, T_STRING);
        if (c < 0 || c == '\n') {
            t->lost = true;
            token_fail(t, line, "%c: the text has no closing %c on its line; add it", quote, quote);
            return T_BAD;
        }
        if (c == '\\' && (peek(t) == quote || peek(t) == '\\'))
            c = take(t);
        if ((c < ' ' && c != '\t') || c == 127) {
            t->lost = true;
            token_fail(t, line, "%c: a control byte (%d) in a text; take it out", quote, c);
            return T_BAD;
        }
        *t->room++ = (char)c;
    }
}

/* Its text is what stands between the two /; \/ is one of its own, and stays as it is. */
static enum token take_regex(struct tokens *t)
{
    unsigned line = t->line;
    int c = take(t);

    for (c = take(t); c != '/'; c = take(t)) {
        bool escaped = c == '\\';

        if (escaped) {
            *t->room++ = (char)c;
            c = take(t);
        }
        if (c < 0 || (c < ' ' && c != '\t') || c == 127) {
            token_fail(t, line,
                       "/: the pattern has no closing / on its line, or a control byte in "
                       "it; write /PATTERN/ CATEGORY");
            return T_BAD;
        }
        *t->room++ = (char)c;
    }
    if (peek(t) < 0 || strchr(" \t\r\n}#", peek(t)))
        return end_text(t, T_REGEX);
    token_fail(t, line,
               "/: a space is missing behind the pattern; a / in it is written \\/, "
               "modifiers are not taken, and case never counts");
    return T_BAD;
}

static bool may_be_in_word(struct tokens *t, int c)
{
    if (c == '"' || c == '\'')
        return token_fail(t, t->line, "%c: stands inside of a word; put the whole word in quotes",
                          c);
    if (c == '#')
        return token_fail(t, t->line,
                          "#: stands inside of a word; put the whole word in quotes, or a space "
                          "before a comment");
    if (c < ' ' || c == 127)
        return token_fail(t, t->line, "a control byte (%d) in a word; take it out", c);
    return true;
}

static enum token take_word(struct tokens *t)
{
    for (;;) {
        int c = peek(t);

        if (c < 0 || (c && strchr(" \t\r\n{},=", c)))
            return end_text(t, T_WORD);
        take(t);
        if (!may_be_in_word(t, c))
            return T_BAD;
        *t->room++ = (char)c;
    }
}

static enum token take_sign(struct tokens *t, enum token sign)
{
    take(t);
    if (sign == T_OPEN)
        t->braces++;
    if (sign == T_CLOSE && t->braces)
        t->braces--;
    return sign;
}

static enum token take_token(struct tokens *t)
{
    if (t->lost || !take_blank(t))
        return T_BAD;
    t->token_line = t->line;
    t->text = t->room;
    switch (peek(t)) {
    case -1:
        return T_END;
    case '{':
        return take_sign(t, T_OPEN);
    case '}':
        return take_sign(t, T_CLOSE);
    case ',':
        return take_sign(t, T_COMMA);
    case '=':
        return take_sign(t, T_EQUALS);
    case '"':
    case '\'':
        return take_string(t);
    case '/':
        return t->regexes ? take_regex(t) : take_word(t);
    default:
        return take_word(t);
    }
}

enum token token_next(struct tokens *t)
{
    t->before = (struct token_mark){t->rest, t->room, t->line, t->braces};
    return t->last = take_token(t);
}

void token_back(struct tokens *t)
{
    t->rest = t->before.rest;
    t->room = t->before.room;
    t->line = t->before.line;
    t->braces = t->before.braces;
    t->last = T_WORD;
}

bool token_is_name(struct tokens *t, char *name)
{
    size_t len = strlen(name);
    char *c = name;

    for (; isalnum((unsigned char)*c) || *c == '-' || *c == '_'; c++)
        *c = (char)tolower((unsigned char)*c);
    if (len && !*c)
        return true;
    if (*name == '<')
        return token_fail(
            t, t->token_line,
            "%s: sections are written NAME TITLE { ... }, without < and >; rewrite it", name);
    if (len && name[len - 1] == '+')
        return token_fail(t, t->token_line,
                          "%s=: nothing is added to lists; write the whole list with =", name);
    return token_fail(t, t->token_line, "%s: not a name; names are letters, digits and -", name);
}
