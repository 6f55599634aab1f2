/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/pattern.h"

#include <stdio.h>
#include <stdlib.h>

#include "rule/entry.h"
#include "rule/prefix.h"
#include "smtp/idna.h"

/* What the sections say of one name, merged: for itself and for what is below it. */
struct spot {
    struct span name; /* at NULL: free */
    uint32_t hash, self, below;
};

/* What was merged last of a section, and over what: its next entry may be the same. */
struct latest {
    uint32_t below, merged;
};

struct patterns {
    const struct pattern_kind *kind;
    char *merged;       /* structs of the kind; [0]: no section; [1]: "*" or the same as 0 */
    struct spot *spots; /* a hash table, at most half full */
    struct prefixes literals;
    struct entry_list entries;
    struct latest *latest; /* by sections; while they are placed */
    size_t merged_count, mask;
};

/* By hand: tolower() depends on the locale. */
static uint32_t hash_of(struct span name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */

    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];

        hash = (hash ^ (c >= 'A' && c <= 'Z' ? c | 0x20u : c)) * 16777619u;
    }
    return hash ^ hash >> 15;
}

/* Where the name is, or would be. */
static struct spot *find_spot(const struct patterns *p, struct span name, uint32_t hash)
{
    for (size_t at = hash & p->mask;; at = (at + 1) & p->mask) {
        struct spot *s = &p->spots[at];

        if (!s->name.at)
            return s;
        if (s->hash == hash && s->name.len == name.len &&
            !strncasecmp(s->name.at, name.at, name.len))
            return s;
    }
}

/* The rule of the nearest name above `name`, which counts for all below that one. */
static uint32_t find_above(const struct patterns *p, struct span name)
{
    while (name.len) {
        const struct spot *s;

        span_cut(&name, '.');
        s = find_spot(p, name, hash_of(name));
        if (s->name.at)
            return s->below;
    }
    return 1;
}

static void *merged_at(const struct patterns *p, size_t at)
{
    return p->merged + at * p->kind->size;
}

/* The entry's section over what is there already. */
static uint32_t add_merged(struct patterns *p, uint32_t below, const struct entry *e)
{
    struct latest *latest = &p->latest[e->number];
    void *m = merged_at(p, p->merged_count);

    if (latest->merged && latest->below == below)
        return latest->merged;
    memcpy(m, merged_at(p, below), p->kind->size);
    option_merge(p->kind->options, m, e->section);
    if (p->kind->over)
        p->kind->over(m, e->section);
    *latest = (struct latest){below, (uint32_t)p->merged_count++};
    return latest->merged;
}

/* Does what was merged last go together? */
static bool agrees(const struct patterns *p, char *why, size_t size)
{
    return !p->kind->agrees || p->kind->agrees(merged_at(p, p->merged_count - 1), why, size);
}

static bool place_name(struct patterns *p, const struct entry *e, char *why, size_t size)
{
    uint32_t hash = hash_of(e->name);
    struct spot *there = find_spot(p, e->name, hash);
    uint32_t above = find_above(p, e->name);

    if (!there->name.at)
        *there = (struct spot){e->name, hash, above, above};
    if (e->shape == SHAPE_BOTH)
        there->self = there->below = add_merged(p, there->below, e);
    else if (e->shape == SHAPE_BELOW)
        there->below = add_merged(p, there->below, e);
    else
        there->self = add_merged(p, there->self, e);
    return agrees(p, why, size);
}

static bool place(struct patterns *p, const struct entry *e, char *why, size_t size)
{
    uint32_t below;

    if (e->shape == SHAPE_ALL) {
        p->merged_count = 1;
        add_merged(p, 0, e);
        return agrees(p, why, size);
    }
    if (e->shape != SHAPE_LITERAL)
        return place_name(p, e, why, size);
    below = prefix_find(&p->literals, e->network.ip);
    if (!prefix_add(&p->literals, &e->network, add_merged(p, below ? below : 1, e)))
        return false;
    return agrees(p, why, size);
}

static bool place_all(struct patterns *p, char *why, size_t size)
{
    struct option_head *none = merged_at(p, 0);

    option_defaults(p->kind->options, none);
    none->title = "default";
    none->file = "";
    memcpy(merged_at(p, 1), none, p->kind->size);
    p->merged_count = 2;
    for (size_t i = 0; i < p->entries.count; i++)
        if (!place(p, &p->entries.at[i], why, size))
            return false;
    return true;
}

static bool get_memory(struct patterns *p, size_t sections)
{
    size_t names = p->entries.count;

    for (p->mask = 1; p->mask < 2 * names + 2; p->mask *= 2)
        ;
    p->spots = calloc(p->mask--, sizeof *p->spots);
    p->merged = calloc(names + 2, p->kind->size);
    p->latest = calloc(sections + 1, sizeof *p->latest);
    return p->spots && p->merged && p->latest;
}

static bool build(struct patterns *p, const void *sections, size_t count,
                  const struct macros *macros, char *why, size_t size)
{
    bool done;

    if (!entry_list_read(&p->entries, p->kind->name, sections, count, p->kind->size, macros, why,
                         size))
        return false;
    snprintf(why, size, "%s: no memory", p->kind->name);
    done = get_memory(p, count) && place_all(p, why, size);
    free(p->latest);
    p->latest = NULL;
    entry_list_drop(&p->entries);
    return done;
}

struct patterns *patterns_new(const struct pattern_kind *kind, const void *sections, size_t count,
                              const struct macros *macros, char *why, size_t size)
{
    struct patterns *p = calloc(1, sizeof *p);

    if (!p) {
        snprintf(why, size, "%s: no memory", kind->name);
        return NULL;
    }
    p->kind = kind;
    if (!build(p, sections, count, macros, why, size))
        patterns_free(&p);
    return p;
}

bool patterns_agree(const struct pattern_kind *kind, const void *section,
                    const struct macros *macros, char *why, size_t size)
{
    struct entry_list e = {0};
    bool ok = entry_list_read(&e, kind->name, section, 1, kind->size, macros, why, size);

    entry_list_clear(&e);
    return ok && (!kind->agrees || kind->agrees(section, why, size));
}

void patterns_free(struct patterns **p)
{
    if (!*p)
        return;
    prefix_clear(&(*p)->literals);
    entry_list_clear(&(*p)->entries);
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

static uint32_t find_name(const struct patterns *p, struct span name)
{
    const struct spot *spot;

    if (name.len > ENTRY_NAME)
        return 1;
    spot = find_spot(p, name, hash_of(name));
    return spot->name.at ? spot->self : find_above(p, name);
}

static bool is_ascii(struct span s)
{
    unsigned char all = 0;

    for (size_t i = 0; i < s.len; i++)
        all |= (unsigned char)s.at[i];
    return all < 0x80;
}

const void *patterns_find(const struct patterns *p, struct span name)
{
    char ascii[IDNA_NAME];
    struct span inside;

    if (name.len && name.at[name.len - 1] == '.')
        name.len--;
    if (entry_is_literal(name, &inside))
        return merged_at(p, find_literal(p, inside));
    if (!is_ascii(name) && idna_ascii(name, ascii))
        name = span_of(ascii);
    return merged_at(p, find_name(p, name));
}

static size_t add_section(const void **out, size_t count, size_t most, const void *section)
{
    for (size_t i = 0; i < count; i++)
        if (out[i] == section)
            return count;
    if (count < most)
        out[count++] = section;
    return count;
}

size_t patterns_trail(const struct pattern_kind *kind, const void *sections, size_t count,
                      const struct macros *macros, struct span name, const void **out, size_t most)
{
    struct entry_list all = {0};
    char ascii[IDNA_NAME], why[256];
    struct span inside;
    struct addr at;
    bool literal = entry_is_literal(name, &inside);
    size_t found = 0;

    if (name.len && name.at[name.len - 1] == '.')
        name.len--;
    if (!literal && !is_ascii(name) && idna_ascii(name, ascii))
        name = span_of(ascii);
    literal = literal && addr_read(inside, &at);
    if (entry_list_read(&all, kind->name, sections, count, kind->size, macros, why, sizeof why))
        for (size_t i = 0; i < all.count; i++)
            if (entry_means(&all.at[i], name, literal ? &at : NULL))
                found = add_section(out, found, most, all.at[i].section);
    entry_list_clear(&all);
    return found;
}

size_t patterns_count(const struct patterns *p)
{
    return p->merged_count;
}

const void *patterns_at(const struct patterns *p, size_t at)
{
    return merged_at(p, at);
}
