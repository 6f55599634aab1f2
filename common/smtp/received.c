/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/received.h"

#include "base/text.h"

enum { FIELD_MAX = 4096 };

static const char name[] = "received:";

void received_init(struct received *r)
{
    *r = (struct received){.is = RECEIVED_LOOKS};
    buf_init(&r->field, FIELD_MAX);
}

void received_clear(struct received *r)
{
    buf_clear(&r->field);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* How long is the quoted string at the front of `s`? All of `s` if it has no end. */
static size_t quoted(struct span s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == '"')
            return i + 1;
        if (s.at[i] == '\\')
            i++;
    }
    return s.len;
}

/* The same for <an address>, in which there may be a quoted string. */
static size_t address(struct span s)
{
    for (size_t i = 1; i < s.len; i++) {
        if (s.at[i] == '>')
            return i + 1;
        if (s.at[i] == '"')
            i += quoted(span_after(s, i)) - 1;
    }
    return s.len;
}

/* How much of a comment stands for itself at the front of `s`. Exim writes (envelope-from
 * <ADDRESS>) there as the client gave it, parentheses and all. */
static size_t comment_part(struct span s)
{
    size_t len = *s.at == '<' ? address(s) : *s.at == '\\' ? 2 : 1;

    if (*s.at == '<' && s.at[len - 1] != '>')
        return 1; /* not closed: a sign like others */
    return len;
}

/* The same for (a comment), in which there may be comments. */
static size_t comment(struct span s)
{
    size_t depth = 0;

    for (size_t i = 0; i < s.len; i += comment_part(span_after(s, i))) {
        if (s.at[i] == '(')
            depth++;
        else if (s.at[i] == ')' && --depth == 0)
            return i + 1;
    }
    return s.len;
}

/* What at the front of `s` is no word. The date's semicolon too: there may be others before
 * it, and no date says `by` or `id`. */
static size_t gap(struct span s)
{
    switch (*s.at) {
    case '(':
        return comment(s);
    case '"':
        return quoted(s);
    case '<':
        return address(s);
    default:
        return is_space(*s.at) || *s.at == ';';
    }
}

static bool next_word(struct span *s, struct span *word)
{
    for (size_t len; s->len && (len = gap(*s)) > 0;)
        *s = span_after(*s, len);
    *word = (struct span){s->at, 0};
    for (; s->len && gap(*s) == 0; *s = span_after(*s, 1))
        word->len++;
    return word->len > 0;
}

/* Only what a host's name or a queue id can be; else nothing. */
static void keep(char *to, size_t size, struct span word)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789.-_:[]";

    to[0] = '\0';
    if (word.len >= size)
        return;
    for (size_t i = 0; i < word.len; i++)
        if (!memchr(plain, word.at[i], sizeof plain - 1))
            return;
    text_copy(to, size, word);
}

static void read_field(struct received *r)
{
    struct span s = buf_peek(&r->field), word;

    while (next_word(&s, &word)) {
        bool by = span_is_nocase(word, "by"), id = span_is_nocase(word, "id");

        if ((by || id) && next_word(&s, &word))
            keep(by ? r->by : r->id, by ? sizeof r->by : sizeof r->id, word);
    }
    r->is = r->by[0] && r->id[0] ? RECEIVED_FOUND : RECEIVED_NONE;
    buf_clear(&r->field);
}

/* A line begins behind the field: it belongs to it, or tells that it is whole. */
static size_t fold_line(struct received *r, char c)
{
    if (c == ' ' || c == '\t')
        r->line = LINE_IS_TAKEN;
    else
        read_field(r);
    return 0;
}

/* Looks at the first bytes of a line, as many as its meaning needs; how many were taken. */
static size_t begin_line(struct received *r, char c)
{
    char lower = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);

    if (buf_len(&r->field) > 0)
        return fold_line(r, c);
    if (r->matched == 0 && (c == '\r' || c == '\n')) {
        r->is = RECEIVED_NONE; /* the header is over */
        return 0;
    }
    if (lower != name[r->matched]) {
        r->line = LINE_IS_SKIPPED;
        return 0;
    }
    if (++r->matched == sizeof name - 1)
        r->line = LINE_IS_TAKEN;
    return 1;
}

/* The rest of a line, or what is there of it. */
static size_t go_on_line(struct received *r, struct span message)
{
    const char *lf = memchr(message.at, '\n', message.len);
    size_t len = lf ? (size_t)(lf - message.at) + 1 : message.len;

    if (r->line == LINE_IS_TAKEN && !buf_add(&r->field, (struct span){message.at, len}))
        r->is = RECEIVED_NONE;
    if (lf) {
        r->line = LINE_BEGINS;
        r->matched = 0;
    }
    return len;
}

void received_feed(struct received *r, struct span message)
{
    while (message.len && r->is == RECEIVED_LOOKS) {
        size_t taken = r->line == LINE_BEGINS ? begin_line(r, *message.at) : go_on_line(r, message);

        message = span_after(message, taken);
    }
    if (r->is == RECEIVED_NONE)
        buf_clear(&r->field);
}
