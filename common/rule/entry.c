/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/entry.h"

#include <stdio.h>
#include <stdlib.h>

#include "smtp/idna.h"

/* By hand: isalnum() depends on the locale. */
static bool is_of_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_';
}

static bool is_domain_name(struct span s, size_t *labels)
{
    size_t label = 0;

    *labels = 1;
    for (size_t i = 0; i < s.len; i++) {
        if (s.at[i] == '.' && (!label || label > 63))
            return false;
        if (s.at[i] != '.' && !is_of_name(s.at[i]))
            return false;
        *labels += s.at[i] == '.';
        label = s.at[i] == '.' ? 0 : label + 1;
    }
    return s.len && s.len <= ENTRY_NAME && label && label <= 63;
}

bool entry_is_literal(struct span text, struct span *inside)
{
    if (text.len < 2 || text.at[0] != '[' || text.at[text.len - 1] != ']')
        return false;
    *inside = (struct span){text.at + 1, text.len - 2};
    if (span_starts_nocase(*inside, "IPv6:"))
        *inside = span_after(*inside, 5);
    return true;
}

/* A copy that lives as long as the entries. */
static bool keep_text(struct entry_list *e, struct span *text)
{
    char *copy = strndup(text->at, text->len);

    if (copy && e->text_count == e->text_room) {
        size_t room = e->text_room ? 2 * e->text_room : 16;
        char **more = reallocarray(e->texts, room, sizeof *more);

        if (more) {
            e->texts = more;
            e->text_room = room;
        }
    }
    if (!copy || e->text_count == e->text_room) {
        free(copy);
        return false;
    }
    e->texts[e->text_count++] = copy;
    text->at = copy;
    return true;
}

static bool has_other_letters(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.at[i] >= 0x80)
            return true;
    return false;
}

/* `copy`: it is not a title's, which stays. */
static bool read_name(struct entry_list *e, struct entry *one, bool copy)
{
    char ascii[IDNA_NAME];

    if (has_other_letters(one->name)) {
        if (!idna_ascii(one->name, ascii))
            return false;
        one->name = span_of(ascii);
        copy = true;
    }
    return is_domain_name(one->name, &one->labels) && (!copy || keep_text(e, &one->name));
}

static bool read_pattern(struct entry_list *e, struct span text, bool copy, struct entry *one)
{
    struct span inside;

    one->name = text;
    one->shape = SHAPE_ALL;
    if (span_is(text, "*")) {
        one->name.len = 0;
        return true;
    }
    one->shape = SHAPE_BOTH;
    if (span_starts_nocase(text, "[*.]")) {
        one->name = span_after(text, 4);
        return read_name(e, one, copy);
    }
    one->shape = SHAPE_BELOW;
    if (span_starts_nocase(text, "*.")) {
        one->name = span_after(text, 2);
        return read_name(e, one, copy);
    }
    one->shape = SHAPE_LITERAL;
    if (entry_is_literal(text, &inside)) {
        one->name.len = 0;
        return network_read(inside, &one->network);
    }
    one->shape = SHAPE_EXACT;
    return read_name(e, one, copy);
}

bool entry_means(const struct entry *e, struct span name, const struct addr *literal)
{
    size_t own = e->name.len;

    if (e->shape == SHAPE_ALL || e->shape == SHAPE_LITERAL)
        return e->shape == SHAPE_ALL || (literal && network_has(&e->network, literal));
    if (literal || name.len < own || strncasecmp(name.at + name.len - own, e->name.at, own) != 0)
        return false;
    if (name.len == own)
        return e->shape != SHAPE_BELOW;
    return e->shape != SHAPE_EXACT && name.at[name.len - own - 1] == '.';
}

struct reading {
    struct entry_list *to;
    const struct option_head *section;
    uint32_t number;
    bool expanded;
    char *why;
    size_t size;
};

static bool has_room(struct entry_list *e)
{
    size_t room = e->room ? 2 * e->room : 64;
    struct entry *more;

    if (e->count < e->room)
        return true;
    if (!(more = reallocarray(e->at, room, sizeof *more)))
        return false;
    e->at = more;
    e->room = room;
    return true;
}

static bool add(void *arg, struct span text)
{
    struct reading *r = arg;
    struct entry one = {.section = r->section, .number = r->number, .expanded = r->expanded};

    if (!read_pattern(r->to, text, r->expanded, &one)) {
        snprintf(r->why, r->size,
                 "%s%.*s%snot a pattern; patterns are *, example.com, *.example.com, "
                 "[*.]example.com and [10.0.0.0/8]",
                 r->expanded ? "stands for " : "", r->expanded ? (int)text.len : 0, text.at,
                 r->expanded ? ", " : "");
        return false;
    }
    if (!has_room(r->to)) {
        snprintf(r->why, r->size, "no memory");
        return false;
    }
    r->to->at[r->to->count++] = one;
    return true;
}

static bool read_title(struct reading *r, const struct macros *macros, const char *kind)
{
    struct span title = span_of(r->section->title);
    char *why = r->why, what[512] = "";
    size_t size = r->size;

    r->expanded = macro_is_in(title);
    r->why = what;
    r->size = sizeof what;
    bool ok = r->expanded ? macros_expand(macros, title, add, r, what, sizeof what) : add(r, title);

    r->why = why;
    r->size = size;
    if (!ok)
        snprintf(why, size, "%s:%u: %s %s: %s", r->section->file, r->section->line, kind,
                 r->section->title, what);
    return ok;
}

static int compare_networks(const struct network *a, const struct network *b)
{
    if (a->bits != b->bits)
        return a->bits < b->bits ? -1 : 1;
    return memcmp(a->ip, b->ip, sizeof a->ip);
}

/* Do they say the same? */
static int compare_patterns(const struct entry *a, const struct entry *b)
{
    bool literal_a = a->shape == SHAPE_LITERAL, literal_b = b->shape == SHAPE_LITERAL;
    int order;

    if (literal_a || literal_b)
        return literal_a != literal_b ? (int)literal_a - (int)literal_b
                                      : compare_networks(&a->network, &b->network);
    if (a->labels != b->labels)
        return a->labels < b->labels ? -1 : 1;
    if (a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    order = a->name.len ? strncasecmp(a->name.at, b->name.at, a->name.len) : 0;
    return order ? order : (int)a->shape - (int)b->shape;
}

static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    int order = compare_patterns(a, b);

    return order ? order : (int)b->expanded - (int)a->expanded;
}

/* One section may come to a name by two ways; two sections may not, but for one that is written
 * out. */
static bool are_unlike(const struct entry_list *e, const char *kind, char *why, size_t size)
{
    for (size_t i = 1; i < e->count; i++) {
        const struct entry *a = &e->at[i - 1], *b = &e->at[i];

        if (a->section == b->section || a->expanded != b->expanded || compare_patterns(a, b))
            continue;
        if (!a->expanded) {
            option_say_twins(kind, a->section, b->section, why, size);
            return false;
        }
        if (a->section->line > b->section->line)
            a = b, b = &e->at[i - 1];
        snprintf(why, size,
                 "%s:%u: %s %s: by its macros %s%.*s is there twice, first by %s in %s:%u; take it "
                 "out of one of them",
                 b->section->file, b->section->line, kind, b->section->title,
                 a->shape == SHAPE_LITERAL ? "a network" : "", SPAN_ARG(a->name), a->section->title,
                 a->section->file, a->section->line);
        return false;
    }
    return true;
}

bool entry_list_read(struct entry_list *e, const char *kind, const void *sections, size_t count,
                     size_t size_of, const struct macros *macros, char *why, size_t size)
{
    struct reading r = {.to = e, .why = why, .size = size};

    for (size_t i = 0; i < count; i++) {
        r.section = (const void *)((const char *)sections + i * size_of);
        r.number = (uint32_t)i;
        if (!read_title(&r, macros, kind))
            return false;
    }
    if (e->count)
        qsort(e->at, e->count, sizeof *e->at, compare_entries);
    return are_unlike(e, kind, why, size);
}

void entry_list_drop(struct entry_list *e)
{
    free(e->at);
    e->at = NULL;
    e->count = e->room = 0;
}

void entry_list_clear(struct entry_list *e)
{
    entry_list_drop(e);
    for (size_t i = 0; i < e->text_count; i++)
        free(e->texts[i]);
    free(e->texts);
    *e = (struct entry_list){0};
}
