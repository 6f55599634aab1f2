/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "rule/prefix.h"

const struct option source_options[] = {SOURCE_OPTIONS(OPTION_ROW, source) OPTION_END};
OPTIONS_FIT(source_options);

/* A section, and what it does to the rules that may be reported only. */
struct layer {
    const struct source *section;
    unsigned reports, sets; /* that its report-only names; that it sets */
    bool has_reports, has_rate;
    struct rate rate;
};

/* The same, before its network has found its place. */
struct entry {
    struct layer layer;
    struct network network;
    bool named;
};

struct sources {
    struct prefixes prefixes; /* values are indices of `merged` */
    struct source *merged;    /* [0]: no section */
    struct layer *named;      /* sorted; {auth} is not one of them */
    struct layer auth;        /* no section: there is none */
    size_t merged_count, named_count;
};

bool source_is_auth(const struct source *section)
{
    return strcasecmp(section->head.title, "{auth}") == 0;
}

static bool is_name(const char *title)
{
    if (!isalpha((unsigned char)*title) || strlen(title) > SOURCE_NAME_MAX)
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
        return strcasecmp(a->layer.section->head.title, b->layer.section->head.title);
    if (a->network.bits != b->network.bits)
        return a->network.bits < b->network.bits ? -1 : 1;
    return memcmp(a->network.ip, b->network.ip, sizeof a->network.ip);
}

static bool is_set(const struct source *section, size_t offset)
{
    return option_is_set(source_options, &section->head, offset);
}

/* What report-only names, and the rules themselves. */
static bool read_reports(struct layer *l, char *why, size_t size)
{
    static const size_t offsets[] = {
#define REPORT(option, name) offsetof(struct source, option),
        REPORT_RULES(REPORT)
#undef REPORT
    };
    const struct source *section = l->section;
    enum report rule;

    l->has_reports = is_set(section, offsetof(struct source, report_only));
    for (unsigned i = 0; i < REPORT_COUNT; i++)
        l->sets |= (unsigned)is_set(section, offsets[i]) << i;
    for (size_t i = 0; i < section->report_only.count; i++) {
        if (!report_read(span_of(section->report_only.at[i]), &rule)) {
            char all[REPORT_TEXT];

            snprintf(why, size, "%s:%u: report-only: '%s' cannot be reported only; these can: %s",
                     section->head.file, section->head.line, section->report_only.at[i],
                     report_text((1U << REPORT_COUNT) - 1, all));
            return false;
        }
        l->reports |= 1U << rule;
    }
    return true;
}

static bool read_rate(struct layer *l, char *why, size_t size)
{
    const struct source *section = l->section;

    l->has_rate = is_set(section, offsetof(struct source, smtp_max_auth_failure_rate));
    if (rate_read(span_of(section->smtp_max_auth_failure_rate), &l->rate))
        return true;
    snprintf(why, size,
             "%s:%u: smtp-max-auth-failure-rate: '%s' is not a rate; write unlimited, 10/h or "
             "3/5m, with d, h, m or s, at most %d within %d days",
             section->head.file, section->head.line, section->smtp_max_auth_failure_rate,
             RATE_COUNT_MOST, RATE_SECONDS_MOST / 86400);
    return false;
}

/* A session that has logged in is past what these decide. */
static bool comes_in_time(const struct source *section, char *why, size_t size)
{
    static const size_t later[] = {
        offsetof(struct source, report_only),          offsetof(struct source, max_message_size),
        offsetof(struct source, smtp_bare_newline),    offsetof(struct source, add_received_header),
        offsetof(struct source, smtp_command_timeout), offsetof(struct source, smtp_data_timeout),
    };
    uint64_t allowed = 0;

    for (const struct option *o = source_options; o->name; o++)
        for (size_t i = 0; i < COUNT_OF(later); i++)
            if (o->offset == later[i])
                allowed |= UINT64_C(1) << (o - source_options);
    if (!(section->head.set & ~allowed))
        return true;
    snprintf(why, size,
             "%s:%u: source {auth}: sets what is decided before a client logs in; here may stand "
             "report-only, max-message-size, smtp-bare-newline, add-received-header, "
             "smtp-command-timeout and smtp-data-timeout",
             section->head.file, section->head.line);
    return false;
}

static bool read_title(struct entry *e, char *why, size_t size)
{
    const struct source *section = e->layer.section;
    const char *title = section->head.title;

    if (network_read(span_of(title), &e->network))
        return true;
    e->named = true;
    if (source_is_auth(section))
        return comes_in_time(section, why, size);
    if (is_name(title))
        return true;
    snprintf(why, size,
             "%s:%u: source %s: neither a network nor a name; networks are 10.0.0.5, "
             "10.0.0.0/8, 2001:db8::/32 or 0/0, with no bit set behind the prefix, and "
             "names begin with a letter and have 63 at most",
             section->head.file, section->head.line, title);
    return false;
}

static bool read_entries(const struct source *sections, size_t count, struct entry *entries,
                         char *why, size_t size)
{
    for (size_t i = 0; i < count; i++) {
        entries[i] = (struct entry){.layer.section = &sections[i]};
        if (!read_title(&entries[i], why, size) || !read_reports(&entries[i].layer, why, size) ||
            !read_rate(&entries[i].layer, why, size))
            return false;
    }
    return true;
}

static bool are_unlike(const struct entry *entries, size_t count, char *why, size_t size)
{
    for (size_t i = 1; i < count; i++) {
        if (compare_entries(&entries[i - 1], &entries[i]))
            continue;
        option_say_twins("source", &entries[i - 1].layer.section->head,
                         &entries[i].layer.section->head, why, size);
        return false;
    }
    return true;
}

static void put_over(struct source *into, const struct layer *l)
{
    option_merge(source_options, into, l->section);
    if (l->has_rate)
        into->auth_failures = l->rate;
    if (l->has_reports)
        into->reports = l->reports;
    else
        into->reports &= ~l->sets;
}

/* `layer` over what is there already. */
static uint32_t add_merged(struct sources *s, uint32_t below, const struct layer *layer)
{
    struct source *m = &s->merged[s->merged_count];

    *m = s->merged[below];
    put_over(m, layer);
    return (uint32_t)s->merged_count++;
}

static bool place(struct sources *s, const struct entry *entries, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct entry *e = &entries[i];

        if (e->named && source_is_auth(e->layer.section))
            s->auth = e->layer;
        else if (e->named)
            s->named[s->named_count++] = e->layer;
        else if (!prefix_add(&s->prefixes, &e->network,
                             add_merged(s, prefix_find(&s->prefixes, e->network.ip), &e->layer)))
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
    s->named = calloc(count + 1, sizeof *s->named);
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

static int compare_name(const void *name, const void *layer)
{
    return strcasecmp(name, ((const struct layer *)layer)->section->head.title);
}

static const struct layer *find_named(const struct sources *s, const char *name)
{
    if (!name || !*name)
        return NULL;
    return bsearch(name, s->named, s->named_count, sizeof *s->named, compare_name);
}

bool sources_has_name(const struct sources *s, const char *name)
{
    return find_named(s, name);
}

static void find(const struct sources *s, const struct addr *client, const struct layer *auth,
                 const char *name, struct source *out)
{
    const struct layer *named = find_named(s, name);

    *out = s->merged[prefix_find(&s->prefixes, client->ip)];
    if (auth && auth->section)
        put_over(out, auth);
    if (named)
        put_over(out, named);
}

void sources_find(const struct sources *s, const struct addr *client, const char *name,
                  struct source *out)
{
    find(s, client, NULL, name, out);
}

void sources_find_auth(const struct sources *s, const struct addr *client, const char *name,
                       struct source *out)
{
    find(s, client, &s->auth, name, out);
}

size_t sources_count(const struct sources *s)
{
    return s->merged_count;
}

void sources_at(const struct sources *s, size_t at, const char *name, struct source *out)
{
    const struct layer *named = find_named(s, name);

    *out = s->merged[at];
    if (named)
        put_over(out, named);
}

/* Who is put over whom by find(): the networks, the narrowest last; {auth}; the listener's own.
 * 0: it is not about this client. */
static int rank(const struct source *section, const struct addr *client, const char *name,
                bool logged_in)
{
    struct network n;

    if (network_read(span_of(section->head.title), &n))
        return network_has(&n, client) ? 1 + n.bits : 0;
    if (source_is_auth(section))
        return logged_in ? 1 + 129 : 0;
    return name && strcasecmp(section->head.title, name) == 0 ? 1 + 130 : 0;
}

const struct source *source_decider(const struct source *sections, size_t count,
                                    const struct addr *client, const char *name, bool logged_in,
                                    size_t row)
{
    const struct source *best = NULL;
    int most = 0;

    for (size_t i = 0; i < count; i++) {
        int here =
            sections[i].head.set >> row & 1 ? rank(&sections[i], client, name, logged_in) : 0;

        if (here <= most)
            continue;
        best = &sections[i];
        most = here;
    }
    return best;
}

bool source_objects(const struct source *s, enum report rule, struct reported *noted)
{
    if (!(s->reports & 1U << rule))
        return true;
    noted->rules |= 1U << rule;
    noted->times++;
    return false;
}
