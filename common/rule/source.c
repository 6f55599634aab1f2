/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "rule/prefix.h"

const struct option source_options[] = {SOURCE_OPTIONS(OPTION_ROW, source) OPTION_END};
OPTIONS_FIT(source_options);

/* A section, before its network has found its place. */
struct entry {
    const struct source *section;
    struct network network;
    bool named;
};

struct sources {
    struct prefixes prefixes;    /* values are indices of `merged` */
    struct source *merged;       /* [0]: no section */
    const struct source **named; /* sorted */
    size_t merged_count, named_count;
};

static bool is_name(const char *title)
{
    if (!isalpha((unsigned char)*title))
        return false;
    while (isalnum((unsigned char)*title) || (*title && strchr("-_.", *title)))
        title++;
    return !*title;
}

/* Names first, by their letters; then networks, the general before the specific. */
static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;

    if (a->named != b->named)
        return a->named ? -1 : 1;
    if (a->named)
        return strcasecmp(a->section->head.title, b->section->head.title);
    if (a->network.bits != b->network.bits)
        return a->network.bits < b->network.bits ? -1 : 1;
    return memcmp(a->network.ip, b->network.ip, sizeof a->network.ip);
}

static bool read_entries(const struct source *sections, size_t count, struct entry *entries,
                         char *why, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        const struct option_head *head = &sections[i].head;
        struct entry *e = &entries[i];

        *e = (struct entry){.section = &sections[i]};
        if (network_read(span_of(head->title), &e->network))
            continue;
        e->named = is_name(head->title);
        if (!e->named) {
            snprintf(why, size,
                     "%s:%u: source %s: neither a network nor a name; networks are 10.0.0.5, "
                     "10.0.0.0/8, 2001:db8::/32 or 0/0, with no bit set behind the prefix, and "
                     "names begin with a letter",
                     head->file, head->line, head->title);
            return false;
        }
    }
    return true;
}

static bool are_unlike(const struct entry *entries, size_t count, char *why, size_t size)
{
    for (size_t i = 1; i < count; i++) {
        if (compare_entries(&entries[i - 1], &entries[i]))
            continue;
        option_say_twins("source", &entries[i - 1].section->head, &entries[i].section->head, why,
                         size);
        return false;
    }
    return true;
}

/* `section` over what is there already. */
static uint32_t add_merged(struct sources *s, uint32_t below, const struct source *section)
{
    struct source *m = &s->merged[s->merged_count];

    *m = s->merged[below];
    option_merge(source_options, m, section);
    return (uint32_t)s->merged_count++;
}

static bool place(struct sources *s, const struct entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct entry *e = &entries[i];

        if (e->named)
            s->named[s->named_count++] = e->section;
        else if (!prefix_add(&s->prefixes, &e->network,
                             add_merged(s, prefix_find(&s->prefixes, e->network.ip), e->section)))
            return false;
    }
    return true;
}

static bool build(struct sources *s, const struct source *sections, size_t count, char *why,
                  size_t size)
{
    struct entry *entries = calloc(count + 1, sizeof *entries);
    bool done = false;

    snprintf(why, size, "source: no memory");
    s->merged = calloc(count + 1, sizeof *s->merged);
    s->named = calloc(count + 1, sizeof(const struct source *));
    if (entries && s->merged && s->named && read_entries(sections, count, entries, why, size)) {
        option_defaults(source_options, &s->merged[0]);
        s->merged[0].head.title = "default";
        s->merged[0].head.file = "";
        s->merged_count = 1;
        qsort(entries, count, sizeof *entries, compare_entries);
        done = are_unlike(entries, count, why, size) && place(s, entries, count);
    }
    free(entries);
    return done;
}

struct sources *sources_new(const struct source *sections, size_t count, char *why, size_t size)
{
    struct sources *s = calloc(1, sizeof *s);

    if (!s) {
        snprintf(why, size, "source: no memory");
        return NULL;
    }
    if (!build(s, sections, count, why, size))
        sources_free(&s);
    return s;
}

void sources_free(struct sources **s)
{
    if (!*s)
        return;
    prefix_clear(&(*s)->prefixes);
    free((*s)->merged);
    free((*s)->named);
    free(*s);
    *s = NULL;
}

static int compare_name(const void *name, const void *section)
{
    return strcasecmp(name, (*(const struct source *const *)section)->head.title);
}

static const struct source *find_named(const struct sources *s, const char *name)
{
    const struct source *const *hit =
        bsearch(name, s->named, s->named_count, sizeof(const struct source *), compare_name);

    return hit ? *hit : NULL;
}

bool sources_has_name(const struct sources *s, const char *name)
{
    return find_named(s, name);
}

void sources_find(const struct sources *s, const struct addr *client, const char *name,
                  struct source *out)
{
    const struct source *named = name && *name ? find_named(s, name) : NULL;

    *out = s->merged[prefix_find(&s->prefixes, client->ip)];
    if (named)
        option_merge(source_options, out, named);
}
