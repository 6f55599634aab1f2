/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/twins.h"

#include <stdlib.h>

#include "conf/kinds.h"
#include "conf/settings.h"

/* Sections by kind, by where they stand, by title; the second of two later than the first. */
struct place {
    struct section *section;
    size_t number;
};

static int compare_titles(const struct section *a, const struct section *b)
{
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->inside != b->inside)
        return a->inside < b->inside ? -1 : 1;
    /* File names differ by case. */
    return (a->kind == &kinds[KIND_ACCT_FILE] ? strcmp : strcasecmp)(a->head->title,
                                                                     b->head->title);
}

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;
    int order = compare_titles(a->section, b->section);

    if (order)
        return order;
    return a->number < b->number ? -1 : a->number > b->number;
}

static void check_titles(struct section *list, struct arena *arena, struct problems *problems)
{
    struct place *places;
    size_t count = 0;

    for (struct section *s = list; s; s = s->next)
        count++;
    places = arena_get(arena, count, sizeof *places);
    count = 0;
    for (struct section *s = list; s; s = s->next, count++)
        places[count] = (struct place){s, count};
    qsort(places, count, sizeof *places, compare_places);
    for (size_t i = 1; i < count; i++) {
        struct section *before = places[i - 1].section, *s = places[i].section;

        /* The first pattern that is found counts, so one more does no harm. */
        if (!compare_titles(before, s) && s->kind != &kinds[KIND_PATTERN])
            section_wrong(s, problems, s->kind->name,
                          "%s is there twice, first in %s:%u; make one section of them",
                          *s->head->title ? s->head->title : "the section", before->head->file,
                          before->head->line);
    }
}

/* A listener of any kind, and one of its addresses. */
struct taken {
    struct section *section;
    const struct addr *at;
};

static size_t list_taken(struct section *list, struct taken *out)
{
    size_t count = 0;

    for (struct section *s = list; s; s = s->next) {
        if (s->bad)
            continue;
        if (s->kind == &kinds[KIND_SMTP_LISTENER])
            out[count++] = (struct taken){s, &((struct smtp_listener *)s->head)->at};
        if (s->kind != &kinds[KIND_RELAY_LISTENER] || ((struct relay_listener *)s->head)->path)
            continue;
        out[count++] = (struct taken){s, &((struct relay_listener *)s->head)->at};
        if (((struct relay_listener *)s->head)->map_at.port)
            out[count++] = (struct taken){s, &((struct relay_listener *)s->head)->map_at};
    }
    return count;
}

static void check_addresses(struct section *list, struct arena *arena, struct problems *problems)
{
    size_t count = 0;
    struct taken *taken;
    char text[ADDR_TEXT];

    for (struct section *s = list; s; s = s->next)
        count += 2;
    taken = arena_get(arena, count, sizeof *taken);
    count = list_taken(list, taken);
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < i; k++) {
            const struct option_head *first = taken[k].section->head;

            if (addr_is_same(taken[i].at, taken[k].at))
                section_wrong(taken[i].section, problems, taken[i].section->kind->name,
                              "%s is taken by %s %s in %s:%u; choose another",
                              addr_port_text(taken[i].at, text), taken[k].section->kind->name,
                              first->title, first->file, first->line);
        }
    }
}

/* Paths of listeners are titles; one of a map must be nobody else's. */
static void check_map(struct section *list, struct section *s, struct problems *problems)
{
    const char *path = ((struct relay_listener *)s->head)->map_path;
    bool before = true;

    for (struct section *o = list; path && o; o = o->next) {
        const struct relay_listener *l = (struct relay_listener *)o->head;

        before = before && o != s;
        if (o->kind != s->kind || o->bad)
            continue;
        if ((l->path && !strcmp(l->path, path)) ||
            (before && l->map_path && !strcmp(l->map_path, path)))
            section_wrong(s, problems, "map",
                          "%s is taken by relay-listener %s in %s:%u; choose another",
                          ((struct relay_listener *)s->head)->map, o->head->title, o->head->file,
                          o->head->line);
    }
}

void twins_check(struct section *list, struct arena *arena, struct problems *problems)
{
    check_titles(list, arena, problems);
    check_addresses(list, arena, problems);
    for (struct section *s = list; s; s = s->next)
        if (s->kind == &kinds[KIND_RELAY_LISTENER] && !s->bad)
            check_map(list, s, problems);
}
