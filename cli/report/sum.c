/* SPDX-License-Identifier: Apache-2.0
 *
 * From what was counted to what is said of it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "cli/report/counted.h"
#include "cli/report/stamp.h"

static void *keep(struct count *c, size_t size)
{
    struct kept *k = calloc(1, sizeof *k + size);

    if (!k)
        return NULL;
    k->next = c->kept;
    c->kept = k;
    return k->bytes;
}

/* Cleaned; "" where there is no memory. */
static const char *keep_text(struct count *c, const char *text)
{
    char clean[ROSTER_TEXT + 1], *copy;
    size_t len = text ? text_clean(clean, sizeof clean, span_of(text)) : 0;

    if (len == 0 || !(copy = keep(c, len + 1)))
        return "";
    memcpy(copy, clean, len + 1);
    return copy;
}

static int by_count(const void *a, const void *b)
{
    const struct roster_head *x = *(const struct roster_head *const *)a,
                             *y = *(const struct roster_head *const *)b;

    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->name, y->name);
}

static uint64_t weakness(const struct party *p)
{
    return p->clear + p->old;
}

static int by_weakness(const void *a, const void *b)
{
    const struct party *x = *(const struct party *const *)a, *y = *(const struct party *const *)b;

    if (weakness(x) != weakness(y))
        return weakness(x) < weakness(y) ? 1 : -1;
    return strcmp(x->head.name, y->head.name);
}

typedef bool pick_fn(const struct count *c, const void *entry);
typedef int order_fn(const void *a, const void *b);

/* Those that `pick` takes (NULL: all), in order; how many there are is in `*count`. To be freed;
 * NULL: none, or no memory. */
static void **sorted(const struct count *c, const struct roster *r, pick_fn *pick, order_fn *order,
                     size_t *count)
{
    void **list = r->count ? malloc(r->count * sizeof *list) : NULL;

    *count = 0;
    for (size_t i = 0; list && i < r->count; i++)
        if (!pick || pick(c, roster_at(r, i)))
            list[(*count)++] = roster_at(r, i);
    if (list)
        qsort(list, *count, sizeof *list, order);
    return list;
}

static size_t at_most(const struct count *c, size_t count)
{
    return count < c->wish->top ? count : c->wish->top;
}

static struct report_tallies tallies(struct count *c, const struct roster *r)
{
    struct report_tallies t = {.total = r->dropped};
    size_t count, shown;
    void **list = sorted(c, r, NULL, by_count, &count);
    struct report_tally *at;

    for (size_t i = 0; i < count; i++)
        t.total += ((struct roster_head *)list[i])->count;
    t.others = t.total;
    shown = at_most(c, count);
    at = shown ? keep(c, shown * sizeof *at) : NULL;
    for (size_t i = 0; at && i < shown; i++) {
        const struct roster_head *e = list[i];

        at[i] = (struct report_tally){keep_text(c, e->name), e->count};
        t.others -= e->count;
        t.count++;
    }
    t.at = at;
    free(list);
    return t;
}

static struct report_side side(struct count *c, const struct side *s)
{
    return (struct report_side){.way = s->way,
                                .protocols = tallies(c, &s->protocols),
                                .ciphers = tallies(c, &s->ciphers),
                                .groups = tallies(c, &s->groups),
                                .verify = tallies(c, &s->verify),
                                .policies = tallies(c, &s->policies),
                                .policy_results = tallies(c, &s->results)};
}

static bool is_weak(const struct count *c, const void *entry)
{
    (void)c;
    return weakness(entry) > 0;
}

static struct report_weaks weaks(struct count *c, const struct parties *p)
{
    struct report_weaks w = {.approximate = p->roster.approximate};
    void **list = sorted(c, &p->roster, is_weak, by_weakness, &w.known);
    size_t shown = at_most(c, w.known);
    struct report_weak *at = shown ? keep(c, shown * sizeof *at) : NULL;

    for (; at && w.count < shown; w.count++) {
        const struct party *e = list[w.count];

        at[w.count] = (struct report_weak){
            .name = keep_text(c, e->head.name),
            .called = keep_text(c, e->called),
            .oldest = party_protocol_name((enum party_protocol)e->oldest),
            .messages = e->head.count,
            .clear = e->clear,
            .old = e->old,
            .last = e->weak,
        };
    }
    w.at = at;
    free(list);
    return w;
}

/* The next part of a name that cause.c joined. */
static const char *part(struct count *c, struct span *rest)
{
    struct span s = span_cut(rest, CAUSE_BETWEEN);
    char text[ROSTER_NAME + 1];

    text_copy(text, sizeof text, s);
    return keep_text(c, text);
}

static struct report_failures failures(struct count *c)
{
    struct report_failures f = {.total = c->bounced + c->deferred + c->attempts};
    size_t count, shown;
    void **list = sorted(c, &c->failures, NULL, by_count, &count);
    struct report_failure *at;

    f.others = f.total;
    shown = at_most(c, count);
    at = shown ? keep(c, shown * sizeof *at) : NULL;
    for (; at && f.count < shown; f.count++) {
        const struct failure *e = list[f.count];
        struct span name = {e->head.name, e->head.len};

        at[f.count].error = part(c, &name);
        at[f.count].status = part(c, &name);
        at[f.count].category = part(c, &name);
        at[f.count].count = e->head.count;
        at[f.count].bounced = e->bounced;
        at[f.count].deferred = e->deferred;
        at[f.count].attempts = e->attempts;
        at[f.count].first = e->first;
        at[f.count].last = e->last;
        at[f.count].domain = keep_text(c, e->domain);
        at[f.count].server = keep_text(c, e->server);
        at[f.count].diagnostic = keep_text(c, e->diagnostic);
        f.others -= e->head.count;
    }
    f.at = at;
    free(list);
    return f;
}

static struct report_woulds woulds(struct count *c)
{
    struct report_woulds w = {.count = 0};
    size_t count;
    void **list = sorted(c, &c->woulds, NULL, by_count, &count);
    struct report_would *at = count ? keep(c, count * sizeof *at) : NULL;

    for (; at && w.count < count; w.count++) {
        const struct would *e = list[w.count];
        struct span name = {e->head.name, e->head.len};

        at[w.count].in = *part(c, &name) == '<';
        at[w.count].rule = part(c, &name);
        at[w.count].section = part(c, &name);
        at[w.count].count = e->head.count;
        at[w.count].who = tallies(c, &e->who);
    }
    w.at = at;
    free(list);
    return w;
}

/* Could it be the title of a section as it is? */
static bool is_title(const char *name)
{
    return strchr(name, '.') && *name != '.' && *name != '-' &&
           !name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_")];
}

static bool is_ready(const struct count *c, const void *entry)
{
    const struct party *p = entry;

    return !p->spoiled && p->undemanded > 0 && p->head.count > 0 &&
           p->head.count >= c->wish->messages &&
           p->last - p->first >= (time_t)c->wish->days * STAMP_DAY && is_title(p->head.name);
}

static const char *section(struct count *c, const char *name)
{
    static const char fmt[] =
        "domain %s {\n    require-starttls = yes\n    smtp-tls-verify = ca\n}\n";
    size_t size = sizeof fmt + strlen(name);
    char *text = keep(c, size);

    if (!text)
        return "";
    snprintf(text, size, fmt, name);
    return text;
}

static struct report_readies readies(struct count *c)
{
    struct report_readies r = {.days = c->wish->days, .messages = c->wish->messages};
    void **list;
    struct report_ready *at;
    size_t shown;

    r.judged = c->has[FIELD_dlvTlsProtocol] && c->has[FIELD_dlvTlsVerify] &&
               c->has[FIELD_timeLogged] && c->last - c->first >= (time_t)r.days * STAMP_DAY;
    if (!r.judged)
        return r;
    list = sorted(c, &c->domains.roster, is_ready, by_count, &r.known);
    shown = at_most(c, r.known);
    at = shown ? keep(c, shown * sizeof *at) : NULL;
    for (; at && r.count < shown; r.count++) {
        const struct party *e = list[r.count];

        at[r.count] = (struct report_ready){.name = keep_text(c, e->head.name),
                                            .messages = e->head.count,
                                            .first = e->first,
                                            .last = e->last,
                                            .section = section(c, e->head.name)};
    }
    r.at = at;
    free(list);
    return r;
}

static const struct report_missing fields[FIELD_COUNT] = {
#define FIELD(name, types, what) {#name, types, what},
#include "cli/report/field.def"
#undef FIELD
};

/* Was there a row of one of these types: "d, b and t"? */
static bool is_due(const struct count *c, const char *types)
{
    for (struct span rest = span_of(types); rest.len > 0;) {
        struct span word = span_cut(&rest, ' ');

        if (word.len && word.at[word.len - 1] == ',')
            word.len--;
        if (span_is(word, "tq") ? c->some['q'] : word.len == 1 && c->some[(unsigned char)*word.at])
            return true;
    }
    return false;
}

static void put_missing(struct count *c, struct report *r)
{
    static const struct report_missing none_in = {"type", "r",
                                                  "all about mail received: records = "
                                                  "{..., r} writes such rows"},
                                       none_out = {"type", "d", "all about mail sent"},
                                       bare_in = {"rcvTlsProtocol", "r",
                                                  "it is empty in each row: right only if "
                                                  "record-fields of r names it"},
                                       bare_out = {"dlvTlsProtocol", "d",
                                                   "it is empty in each row: right only if "
                                                   "record-fields of d names it"};
    struct report_missing *at = keep(c, (FIELD_COUNT + 2) * sizeof *at);

    r->missing = at;
    if (!at || !c->counted)
        return;
    if (!c->some['r'])
        at[r->missing_count++] = none_in;
    else if (c->in.way.clear == c->in.way.messages)
        at[r->missing_count++] = bare_in;
    if (!c->some['d'])
        at[r->missing_count++] = none_out;
    else if (c->out.way.clear == c->out.way.messages)
        at[r->missing_count++] = bare_out;
    for (int i = 0; i < FIELD_COUNT; i++)
        if (!c->has[i] && *fields[i].what && is_due(c, fields[i].types))
            at[r->missing_count++] = fields[i];
}

struct report *count_report(struct count *c)
{
    struct report *r = &c->report;

    days_fill(&c->days);
    *r = (struct report){.host = "",
                         .first = c->first,
                         .last = c->last,
                         .since = c->wish->since,
                         .until = c->wish->until,
                         .domain = keep_text(c, c->wish->domain),
                         .source = keep_text(c, c->wish->source),
                         .rows = c->rows,
                         .counted = c->counted,
                         .outside = c->outside,
                         .types = c->types,
                         .bad = c->bad,
                         .bad_place = "",
                         .bad_why = "",
                         .days = c->days.at,
                         .day_count = c->days.count,
                         .in = side(c, &c->in),
                         .out = side(c, &c->out),
                         .bounced = c->bounced,
                         .deferred = c->deferred,
                         .attempts = c->attempts,
                         .domains = weaks(c, &c->domains),
                         .clients = weaks(c, &c->clients),
                         .failures = failures(c),
                         .woulds = woulds(c),
                         .readies = readies(c)};
    put_missing(c, r);
    return r;
}
