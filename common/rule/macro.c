/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/macro.h"

#include <stdio.h>
#include <stdlib.h>
#include <stdarg.h>

#include "base/text.h"

const struct option macro_options[] = {MACRO_OPTIONS(OPTION_ROW, macro) OPTION_END};
OPTIONS_FIT(macro_options);

struct macros {
    const struct macro **at; /* by name */
    size_t count;
};

static bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static int compare(struct span a, const char *title)
{
    struct span b = span_of(title);
    int order = strncasecmp(a.at, b.at, a.len < b.len ? a.len : b.len);

    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int by_name(const void *left, const void *right)
{
    const struct macro *const *a = left, *const *b = right;
    int order = compare(span_of((*a)->head.title), (*b)->head.title);

    return order ? order
                 : ((*a)->head.line > (*b)->head.line) - ((*a)->head.line < (*b)->head.line);
}

static const struct macro *find(const struct macros *m, struct span name)
{
    size_t from = 0, to = m ? m->count : 0;

    while (from < to) {
        size_t middle = (from + to) / 2;
        int order = compare(name, m->at[middle]->head.title);

        if (!order)
            return m->at[middle];
        if (order < 0)
            to = middle;
        else
            from = middle + 1;
    }
    return NULL;
}

/* Where the first '$' is, and the name behind it. */
static const char *find_name(struct span text, struct span *name)
{
    const char *sign = text.len ? memchr(text.at, '$', text.len) : NULL;

    if (!sign)
        return NULL;
    *name = (struct span){sign + 1, 0};
    while (name->at + name->len < text.at + text.len && is_of_name(name->at[name->len]))
        name->len++;
    return sign;
}

bool macro_is_in(struct span text)
{
    return text.len && memchr(text.at, '$', text.len);
}

const struct macro *macros_first(const struct macros *m, struct span text)
{
    struct span name;

    return find_name(text, &name) ? find(m, name) : NULL;
}

struct expansion {
    const struct macros *macros;
    macro_fn *fn;
    void *arg;
    char *why;
    size_t size, count;
    unsigned depth;
};

__attribute__((format(printf, 2, 3))) static bool fail(const struct expansion *e, const char *fmt,
                                                       ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(e->why, e->size, fmt, ap);
    va_end(ap);
    return false;
}

static bool expand(struct expansion *e, struct span text);

/* With `word` in place of the name that `sign` begins. */
static bool expand_with(struct expansion *e, struct span text, const char *sign, struct span name,
                        struct span word)
{
    size_t before = (size_t)(sign - text.at), after = text.len - before - 1 - name.len;
    char whole[MACRO_TEXT];

    if (before + word.len + after > sizeof whole)
        return fail(e, "with $%.*s it becomes longer than a domain can be; use shorter words",
                    SPAN_ARG(name));
    memcpy(whole, text.at, before);
    memcpy(whole + before, word.at, word.len);
    memcpy(whole + before + word.len, name.at + name.len, after);
    return expand(e, (struct span){whole, before + word.len + after});
}

static bool expand(struct expansion *e, struct span text)
{
    struct span name;
    const char *sign = find_name(text, &name);
    const struct macro *m;
    bool ok = true;

    if (!sign && e->count++ == MACRO_MOST)
        return fail(e, "it stands for more than %d domains; write fewer", MACRO_MOST);
    if (!sign)
        return e->fn(e->arg, text);
    if (!name.len)
        return fail(e, "$ without the name of a domain-macro behind it; write $NAME");
    if (!(m = find(e->macros, name)))
        return fail(e, "there is no domain-macro %.*s; add domain-macro %.*s a, b, c",
                    SPAN_ARG(name), SPAN_ARG(name));
    if (e->depth == MACRO_DEPTH)
        return fail(e, "$%.*s nests more than %d deep; write what it stands for", SPAN_ARG(name),
                    MACRO_DEPTH);
    e->depth++;
    for (size_t i = 0; ok && i < m->words.count; i++)
        ok = expand_with(e, text, sign, name, span_of(m->words.at[i]));
    e->depth--;
    return ok;
}

bool macros_expand(const struct macros *m, struct span text, macro_fn *fn, void *arg, char *why,
                   size_t size)
{
    struct expansion e = {m, fn, arg, why, size, 0, 0};

    return expand(&e, text);
}

__attribute__((format(printf, 4, 5))) static bool wrong(const struct macro *m, char *why,
                                                        size_t size, const char *fmt, ...)
{
    int n =
        snprintf(why, size, "%s:%u: domain-macro %s: ", m->head.file, m->head.line, m->head.title);
    va_list ap;

    va_start(ap, fmt);
    if (n > 0 && (size_t)n < size)
        vsnprintf(why + n, size - (size_t)n, fmt, ap);
    va_end(ap);
    return false;
}

/* Goes down from `from`, `depth` deep; each word is looked at once for each way that leads to it,
 * of which `steps` are left. */
static bool check_circle(const struct macros *all, const struct macro *from, const struct macro *at,
                         unsigned depth, unsigned *steps, char *why, size_t size)
{
    for (size_t i = 0; i < at->words.count; i++) {
        struct span rest = span_of(at->words.at[i]), name;

        while (find_name(rest, &name)) {
            const struct macro *next = find(all, name);

            rest = span_after(rest, (size_t)(name.at + name.len - rest.at));
            if (!name.len)
                return wrong(at, why, size, "$ without a name behind it; write $NAME");
            if (!next)
                return wrong(at, why, size, "there is no domain-macro %.*s; add it, or drop $%.*s",
                             SPAN_ARG(name), SPAN_ARG(name));
            if (next == from)
                return wrong(from, why, size,
                             "stands for itself, in a circle%s%s; take $%s out of domain-macro %s",
                             at == from ? "" : " by way of ", at == from ? "" : at->head.title,
                             from->head.title, at->head.title);
            if (depth == MACRO_DEPTH || (*steps)-- == 0)
                return wrong(from, why, size,
                             "nests more than %d deep, or in a circle; write out what it stands "
                             "for",
                             MACRO_DEPTH);
            if (!check_circle(all, from, next, depth + 1, steps, why, size))
                return false;
        }
    }
    return true;
}

static bool check(const struct macros *all, const struct macro *m, char *why, size_t size)
{
    unsigned steps = MACRO_MOST;

    for (const char *c = m->head.title; *c; c++)
        if (!is_of_name(*c))
            return wrong(m, why, size, "'%c' is in its name; use letters, digits and _", *c);
    if (!*m->head.title || !m->words.count)
        return wrong(m, why, size, "stands for nothing; write domain-macro NAME a, b, c");
    for (size_t i = 0; i < m->words.count; i++)
        if (!*m->words.at[i])
            return wrong(m, why, size, "one of its words is empty; leave it out");
    return check_circle(all, m, m, 1, &steps, why, size);
}

static bool check_all(const struct macros *m, char *why, size_t size)
{
    for (size_t i = 1; i < m->count; i++) {
        if (compare(span_of(m->at[i - 1]->head.title), m->at[i]->head.title))
            continue;
        option_say_twins("domain-macro", &m->at[i - 1]->head, &m->at[i]->head, why, size);
        return false;
    }
    for (size_t i = 0; i < m->count; i++)
        if (!check(m, m->at[i], why, size))
            return false;
    return true;
}

struct macros *macros_new(const struct macro *sections, size_t count, char *why, size_t size)
{
    struct macros *m = calloc(1, sizeof *m);

    if (!m || !(m->at = calloc(count + 1, sizeof(struct macro *)))) {
        snprintf(why, size, "domain-macro: no memory");
        free(m);
        return NULL;
    }
    m->count = count;
    for (size_t i = 0; i < count; i++)
        m->at[i] = &sections[i];
    qsort(m->at, count, sizeof(struct macro *), by_name);
    if (!check_all(m, why, size))
        macros_free(&m);
    return m;
}

void macros_free(struct macros **m)
{
    if (!*m)
        return;
    free((*m)->at);
    free(*m);
    *m = NULL;
}
