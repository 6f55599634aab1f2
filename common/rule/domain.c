/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/domain.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "rule/prefix.h"

const struct option domain_options[] = {DOMAIN_OPTIONS(OPTION_ROW, domain) OPTION_END};
OPTIONS_FIT(domain_options);

/* In the order of merging: what is later is more specific, at the same name. */
enum shape { SHAPE_ALL, SHAPE_BOTH, SHAPE_BELOW, SHAPE_EXACT, SHAPE_LITERAL };

enum { NAME_MAX_LEN = 255 }; /* RFC 1035, 2.3.4 */

struct entry {
    const struct domain *section;
    enum shape shape;
    struct span name; /* without "*." */
    struct network network;
};

/* What the sections say of one name, merged: for itself and for what is below it. */
struct spot {
    struct span name; /* at NULL: free */
    uint32_t self, below;
};

struct domains {
    struct domain *merged; /* [0]: no section; [1]: "*" or the same as 0 */
    struct spot *spots;    /* a hash table, at most half full */
    struct prefixes literals;
    size_t merged_count, mask;
};

/* Where the name is, or would be. */
static struct spot *find_spot(const struct domains *d, struct span name)
{
    uint32_t hash = 2166136261u; /* FNV-1a */
    struct spot *s;

    for (size_t i = 0; i < name.len; i++)
        hash = (hash ^ (uint32_t)tolower((unsigned char)name.at[i])) * 16777619u;
    for (size_t at = hash & d->mask;; at = (at + 1) & d->mask) {
        s = &d->spots[at];
        if (!s->name.at)
            return s;
        if (s->name.len == name.len && !strncasecmp(s->name.at, name.at, name.len))
            return s;
    }
}

/* The rule of the nearest name above `name`, which counts for all below that one. */
static uint32_t find_above(const struct domains *d, struct span name)
{
    while (name.len) {
        const struct spot *s;

        span_cut(&name, '.');
        s = find_spot(d, name);
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

static size_t count_labels(struct span name)
{
    size_t n = name.len > 0;

    for (size_t i = 0; i < name.len; i++)
        n += name.at[i] == '.';
    return n;
}

/* General before specific; sections of one name stand together. */
static int compare_entries(const void *left, const void *right)
{
    const struct entry *a = left, *b = right;
    size_t labels_a = count_labels(a->name), labels_b = count_labels(b->name);
    bool literal_a = a->shape == SHAPE_LITERAL, literal_b = b->shape == SHAPE_LITERAL;
    int order;

    if (literal_a || literal_b) {
        if (literal_a != literal_b)
            return literal_b ? -1 : 1;
        if (a->network.bits != b->network.bits)
            return a->network.bits < b->network.bits ? -1 : 1;
        return memcmp(a->network.ip, b->network.ip, sizeof a->network.ip);
    }
    if (labels_a != labels_b)
        return labels_a < labels_b ? -1 : 1;
    if (a->name.len != b->name.len)
        return a->name.len < b->name.len ? -1 : 1;
    order = strncasecmp(a->name.at, b->name.at, a->name.len);
    return order ? order : (int)a->shape - (int)b->shape;
}

static bool read_entries(const struct domain *sections, size_t count, struct entry *entries,
                         char *why, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        const struct option_head *head = &sections[i].head;

        entries[i] = (struct entry){.section = &sections[i]};
        if (read_pattern(span_of(head->title), &entries[i]))
            continue;
        snprintf(why, size,
                 "%s:%u: domain %s: not a pattern; patterns are *, example.com, *.example.com, "
                 "[*.]example.com and [10.0.0.0/8], other alphabets as xn--...",
                 head->file, head->line, head->title);
        return false;
    }
    return true;
}

static bool are_unlike(const struct entry *entries, size_t count, char *why, size_t size)
{
    for (size_t i = 1; i < count; i++) {
        if (compare_entries(&entries[i - 1], &entries[i]))
            continue;
        option_say_twins("domain", &entries[i - 1].section->head, &entries[i].section->head, why,
                         size);
        return false;
    }
    return true;
}

/* Does the rule, merged, forbid what it demands? */
static bool agrees(const struct domain *m, char *why, size_t size)
{
    bool verify = m->smtp_tls_verify != DOMAIN_VERIFY_NONE;

    if (m->use_starttls || (!m->require_starttls && !verify))
        return true;
    snprintf(why, size,
             "%s:%u: domain %s: use-starttls is no and %s demands TLS, with what more general "
             "sections say; set use-starttls = yes here or drop the demand",
             m->head.file, m->head.line, m->head.title,
             verify ? "smtp-tls-verify" : "require-starttls");
    return false;
}

/* `section` over what is there already. */
static uint32_t add_merged(struct domains *d, uint32_t below, const struct domain *section)
{
    struct domain *m = &d->merged[d->merged_count];

    *m = d->merged[below];
    option_merge(domain_options, m, section);
    return (uint32_t)d->merged_count++;
}

static bool place_name(struct domains *d, const struct entry *e, char *why, size_t size)
{
    struct spot *there = find_spot(d, e->name);
    uint32_t above = find_above(d, e->name);

    if (!there->name.at)
        *there = (struct spot){e->name, above, above};
    if (e->shape == SHAPE_BOTH)
        there->self = there->below = add_merged(d, there->below, e->section);
    else if (e->shape == SHAPE_BELOW)
        there->below = add_merged(d, there->below, e->section);
    else
        there->self = add_merged(d, there->self, e->section);
    return agrees(&d->merged[d->merged_count - 1], why, size);
}

static bool place(struct domains *d, const struct entry *e, char *why, size_t size)
{
    uint32_t below;

    if (e->shape == SHAPE_ALL) {
        d->merged_count = 1;
        add_merged(d, 0, e->section);
        return agrees(&d->merged[1], why, size);
    }
    if (e->shape != SHAPE_LITERAL)
        return place_name(d, e, why, size);
    below = prefix_find(&d->literals, e->network.ip);
    if (!prefix_add(&d->literals, &e->network, add_merged(d, below ? below : 1, e->section)))
        return false;
    return agrees(&d->merged[d->merged_count - 1], why, size);
}

static bool place_all(struct domains *d, const struct entry *entries, size_t count, char *why,
                      size_t size)
{
    option_defaults(domain_options, &d->merged[0]);
    d->merged[0].head.title = "default";
    d->merged[0].head.file = "";
    d->merged[1] = d->merged[0];
    d->merged_count = 2;
    for (size_t i = 0; i < count; i++)
        if (!place(d, &entries[i], why, size))
            return false;
    return true;
}

static bool build(struct domains *d, const struct domain *sections, size_t count, char *why,
                  size_t size)
{
    struct entry *entries = calloc(count + 1, sizeof *entries);
    bool done = false;

    for (d->mask = 1; d->mask < 2 * count + 2; d->mask *= 2)
        ;
    d->spots = calloc(d->mask--, sizeof *d->spots);
    d->merged = calloc(count + 2, sizeof *d->merged);
    snprintf(why, size, "domain: no memory");
    if (entries && d->spots && d->merged && read_entries(sections, count, entries, why, size)) {
        qsort(entries, count, sizeof *entries, compare_entries);
        done = are_unlike(entries, count, why, size) && place_all(d, entries, count, why, size);
    }
    free(entries);
    return done;
}

struct domains *domains_new(const struct domain *sections, size_t count, char *why, size_t size)
{
    struct domains *d = calloc(1, sizeof *d);

    if (!d) {
        snprintf(why, size, "domain: no memory");
        return NULL;
    }
    if (!build(d, sections, count, why, size))
        domains_free(&d);
    return d;
}

void domains_free(struct domains **d)
{
    if (!*d)
        return;
    prefix_clear(&(*d)->literals);
    free((*d)->merged);
    free((*d)->spots);
    free(*d);
    *d = NULL;
}

static uint32_t find_literal(const struct domains *d, struct span inside)
{
    struct addr a;
    uint32_t rule = addr_read(inside, &a) ? prefix_find(&d->literals, a.ip) : 0;

    return rule ? rule : 1;
}

void domains_find(const struct domains *d, struct span name, struct domain *out)
{
    const struct spot *spot;
    struct span inside;
    uint32_t rule;

    if (name.len && name.at[name.len - 1] == '.')
        name.len--;
    if (read_literal(name, &inside)) {
        rule = find_literal(d, inside);
    } else if (name.len > NAME_MAX_LEN) {
        rule = 1;
    } else {
        spot = find_spot(d, name);
        rule = spot->name.at ? spot->self : find_above(d, name);
    }
    *out = d->merged[rule];
}

size_t domains_count(const struct domains *d)
{
    return d->merged_count;
}

const struct domain *domains_at(const struct domains *d, size_t at)
{
    return &d->merged[at];
}
