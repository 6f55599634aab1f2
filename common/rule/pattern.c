/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/pattern.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "rule/prefix.h"

/* In the order of merging: what is later is more specific, at the same name. */
enum shape { SHAPE_ALL, SHAPE_BOTH, SHAPE_BELOW, SHAPE_EXACT, SHAPE_LITERAL };

enum { NAME_MAX_LEN = 255 }; /* RFC 1035, 2.3.4 */

struct entry {
    const struct option_head *section;
    enum shape shape;
    struct span name; /* without "*." */
    size_t labels;    /* of the name */
    struct network network;
};

/* What the sections say of one name, merged: for itself and for what is below it. */
struct spot {
    struct span name; /* at NULL: free */
    uint32_t self, below;
};

struct patterns {
    const struct pattern_kind *kind;
    char *merged;       /* structs of the kind; [0]: no section; [1]: "*" or the same as 0 */
    struct spot *spots; /* a hash table, at most half full */
    struct prefixes literals;
    size_t merged_count, mask;
};

/* Where the name is, or would be. */
static struct spot *find_spot(const struct patterns *p, struct span name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    struct spot *s;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (uint32_t)tolower((unsigned char)name.at[i])) * 16777619u;
    for (size_t at = hash & p->mask;; at = (at + 1) & p->mask) {
        s = &p->spots[at];
        if (!s->name.at)
            return s;
        if (s->name.len == name.len && !strncasecmp(s->name.at, name.at, name.len))
            return s;
    }
}

/* The rule of the nearest name above `name`, which counts for all below that one. */
static uint32_t find_above(const struct patterns *p, struct span name)
{
    while (name.len) {
        const struct spot *s;

        span_cut(&name, '.');
        s = find_spot(p, name);
        if (s->name.at)
            return s->below;
    }
    return 1;
}

static bool is_domain_name(struct span s)
{
    size_t label = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.at[i];

        if (c == '.' && (!label || label > 63))
            return false;
        if (c != '.' && !isalnum((unsigned char)c) && c != '-' && c != '_')
            return false;
        label = c == '.' ? 0 : label + 1;
    }
    return s.len && s.len <= NAME_MAX_LEN && label && label <= 63;
}

/* "[192.0.2.0/24]" and, as in RFC 5321, 4.1.3, "[IPv6:2001:db8::/32]". */
static bool read_literal(struct span s, struct span *inside)
{
    if (s.len < 2 || s.at[0] != '[' || s.at[s.len - 1] != ']')
        return false;
    *inside = (struct span){s.at + 1, s.len - 2};
    if (span_starts_nocase(*inside, "IPv6:"))
        *inside = span_after(*inside, 5);
    return true;
}

static bool read_pattern(struct span title, struct entry *e)
{
    struct span inside;

    e->name = title;
    e->shape = SHAPE_ALL;
    if (span_is(title, "*")) {
        e->name.len = 0;
        return true;
    }
    e->shape = SHAPE_BOTH;
    if (span_starts_nocase(title, "[*.]")) {
        e->name = span_after(title, 4);
        return is_domain_name(e->name);
    }
    e->shape = SHAPE_BELOW;
    if (span_starts_nocase(title, "*.")) {
        e->name = span_after(title, 2);
        return is_domain_name(e->name);
    }
    e->shape = SHAPE_LITERAL;
    if (read_literal(title, &inside))
        return network_read(inside, &e->network);
    e->shape = SHAPE_EXACT;
    return is_domain_name(title);
}

/* General before specific; sections of one name stand together. */
static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    bool literal_a = a->shape == SHAPE_LITERAL, literal_b = b->shape == SHAPE_LITERAL;
    int order;

    if (literal_a || literal_b) {
        if (literal_a != literal_b)
            return literal_b ? -1 : 1;
        if (a->network.bits != b->network.bits)
            return a->network.bits < b->network.bits ? -1 : 1;
        return memcmp(a->network.ip, b->network.ip, sizeof a->network.ip);
    }
    if (a->labels != b->labels)
        return a->labels < b->labels ? -1 : 1;
    if (a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    order = strncasecmp(a->name.at, b->name.at, a->name.len);
    return order ? order : (int)a->shape - (int)b->shape;
}

static size_t count_labels(struct span name)
{
    size_t n = name.len > 0;

    for (size_t i = 0; i < name.len; i++)
        n += name.at[i] == '.';
    return n;
}

/* `sections` are structs of the kind, one behind the other. */
static bool read_entries(const struct pattern_kind *kind, const void *sections, size_t count,
                         struct entry *entries, char *why, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        const struct option_head *head = (const void *)((const char *)sections + i * kind->size);

        entries[i] = (struct entry){.section = head};
        if (read_pattern(span_of(head->title), &entries[i])) {
            entries[i].labels = count_labels(entries[i].name);
            continue;
        }
        snprintf(why, size,
                 "%s:%u: %s %s: not a pattern; patterns are *, example.com, *.example.com, "
                 "[*.]example.com and [10.0.0.0/8], other alphabets as xn--...",
                 head->file, head->line, kind->name, head->title);
        return false;
    }
    return true;
}

static bool are_unlike(const struct pattern_kind *kind, const struct entry *entries, size_t count,
                       char *why, size_t size)
{
    for (size_t i = 1; i < count; i++) {
        if (compare_entries(&entries[i - 1], &entries[i]))
            continue;
        option_say_twins(kind->name, entries[i - 1].section, entries[i].section, why, size);
        return false;
    }
    return true;
}

static void *merged_at(const struct patterns *p, size_t at)
{
    return p->merged + at * p->kind->size;
}

/* `section` over what is there already. */
static uint32_t add_merged(struct patterns *p, uint32_t below, const struct option_head *section)
{
    void *m = merged_at(p, p->merged_count);

    memcpy(m, merged_at(p, below), p->kind->size);
    option_merge(p->kind->options, m, section);
    if (p->kind->over)
        p->kind->over(m, section);
    return (uint32_t)p->merged_count++;
}

/* Does what was merged last go together? */
static bool agrees(const struct patterns *p, char *why, size_t size)
{
    return !p->kind->agrees || p->kind->agrees(merged_at(p, p->merged_count - 1), why, size);
}

static bool place_name(struct patterns *p, const struct entry *e, char *why, size_t size)
{
    struct spot *there = find_spot(p, e->name);
    uint32_t above = find_above(p, e->name);

    if (!there->name.at)
        *there = (struct spot){e->name, above, above};
    if (e->shape == SHAPE_BOTH)
        there->self = there->below = add_merged(p, there->below, e->section);
    else if (e->shape == SHAPE_BELOW)
        there->below = add_merged(p, there->below, e->section);
    else
        there->self = add_merged(p, there->self, e->section);
    return agrees(p, why, size);
}

static bool place(struct patterns *p, const struct entry *e, char *why, size_t size)
{
    uint32_t below;

    if (e->shape == SHAPE_ALL) {
        p->merged_count = 1;
        add_merged(p, 0, e->section);
        return agrees(p, why, size);
    }
    if (e->shape != SHAPE_LITERAL)
        return place_name(p, e, why, size);
    below = prefix_find(&p->literals, e->network.ip);
    if (!prefix_add(&p->literals, &e->network, add_merged(p, below ? below : 1, e->section)))
        return false;
    return agrees(p, why, size);
}

static bool place_all(struct patterns *p, const struct entry *entries, size_t count, char *why,
                      size_t size)
{
    struct option_head *none = merged_at(p, 0);

    option_defaults(p->kind->options, none);
    none->title = "default";
    none->file = "";
    memcpy(merged_at(p, 1), none, p->kind->size);
    p->merged_count = 2;
    for (size_t i = 0; i < count; i++)
        if (!place(p, &entries[i], why, size))
            return false;
    return true;
}

static bool build(struct patterns *p, const void *sections, size_t count, char *why, size_t size)
{
    struct entry *entries = calloc(count + 1, sizeof *entries);
    bool done = false;

    for (p->mask = 1; p->mask < 2 * count + 2; p->mask *= 2)
        ;
    p->spots = calloc(p->mask--, sizeof *p->spots);
    p->merged = calloc(count + 2, p->kind->size);
    snprintf(why, size, "%s: no memory", p->kind->name);
    if (entries && p->spots && p->merged &&
        read_entries(p->kind, sections, count, entries, why, size)) {
        qsort(entries, count, sizeof *entries, compare_entries);
        done = are_unlike(p->kind, entries, count, why, size) &&
               place_all(p, entries, count, why, size);
    }
    free(entries);
    return done;
}

struct patterns *patterns_new(const struct pattern_kind *kind, const void *sections, size_t count,
                              char *why, size_t size)
{
    struct patterns *p = calloc(1, sizeof *p);

    if (!p) {
        snprintf(why, size, "%s: no memory", kind->name);
        return NULL;
    }
    p->kind = kind;
    if (!build(p, sections, count, why, size))
        patterns_free(&p);
    return p;
}

void patterns_free(struct patterns **p)
{
    if (!*p)
        return;
    prefix_clear(&(*p)->literals);
    free((*p)->merged);
    free((*p)->spots);
    free(*p);
    *p = NULL;
}

static uint32_t find_literal(const struct patterns *p, struct span inside)
{
    struct addr a;
    uint32_t rule = addr_read(inside, &a) ? prefix_find(&p->literals, a.ip) : 0;

    return rule ? rule : 1;
}

const void *patterns_find(const struct patterns *p, struct span name)
{
    const struct spot *spot;
    struct span inside;
    uint32_t rule;

    if (name.len && name.at[name.len - 1] == '.')
        name.len--;
    if (read_literal(name, &inside)) {
        rule = find_literal(p, inside);
    } else if (name.len > NAME_MAX_LEN) {
        rule = 1;
    } else {
        spot = find_spot(p, name);
        rule = spot->name.at ? spot->self : find_above(p, name);
    }
    return merged_at(p, rule);
}

size_t patterns_count(const struct patterns *p)
{
    return p->merged_count;
}

const void *patterns_at(const struct patterns *p, size_t at)
{
    return merged_at(p, at);
}
