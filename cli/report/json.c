/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/report/json.h"

#include <inttypes.h>

/* Where a comma is due. */
struct json {
    FILE *out;
    bool some;
};

static void quote(struct json *j, const char *text)
{
    putc('"', j->out);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            putc('\\', j->out);
        if ((unsigned char)*text < ' ')
            fprintf(j->out, "\\u%04x", (unsigned)*text);
        else
            putc(*text, j->out);
    }
    putc('"', j->out);
}

static void lead(struct json *j, const char *key)
{
    if (j->some)
        putc(',', j->out);
    j->some = true;
    if (key) {
        quote(j, key);
        putc(':', j->out);
    }
}

static void open(struct json *j, const char *key, char bracket)
{
    lead(j, key);
    putc(bracket, j->out);
    j->some = false;
}

static void close(struct json *j, char bracket)
{
    putc(bracket, j->out);
    j->some = true;
}

static void text(struct json *j, const char *key, const char *value)
{
    lead(j, key);
    quote(j, value);
}

static void count(struct json *j, const char *key, uint64_t value)
{
    lead(j, key);
    fprintf(j->out, "%" PRIu64, value);
}

static void when(struct json *j, const char *key, time_t value)
{
    lead(j, key);
    fprintf(j->out, "%" PRId64, (int64_t)value);
}

static void flag(struct json *j, const char *key, bool value)
{
    lead(j, key);
    fputs(value ? "true" : "false", j->out);
}

static void tallies(struct json *j, const char *key, const struct report_tallies *t)
{
    open(j, key, '{');
    count(j, "total", t->total);
    count(j, "others", t->others);
    open(j, "at", '[');
    for (size_t i = 0; i < t->count; i++) {
        open(j, NULL, '{');
        text(j, "name", t->at[i].name);
        count(j, "count", t->at[i].count);
        close(j, '}');
    }
    close(j, ']');
    close(j, '}');
}

static void way(struct json *j, const char *key, const struct report_way *w)
{
    open(j, key, '{');
    count(j, "messages", w->messages);
    count(j, "tls", w->tls);
    count(j, "clear", w->clear);
    count(j, "unknown", w->unknown);
    count(j, "verified", w->verified);
    count(j, "unverified", w->unverified);
    count(j, "old", w->old);
    close(j, '}');
}

static void side(struct json *j, const char *key, const struct report_side *s)
{
    open(j, key, '{');
    way(j, "way", &s->way);
    tallies(j, "protocols", &s->protocols);
    tallies(j, "ciphers", &s->ciphers);
    tallies(j, "groups", &s->groups);
    tallies(j, "verify", &s->verify);
    tallies(j, "policies", &s->policies);
    tallies(j, "policy_results", &s->policy_results);
    close(j, '}');
}

static void read_part(struct json *j, const struct report *r)
{
    text(j, "host", r->host);
    when(j, "made", r->made);
    when(j, "first", r->first);
    when(j, "last", r->last);
    when(j, "since", r->since);
    when(j, "until", r->until);
    text(j, "domain", r->domain);
    text(j, "source", r->source);
    count(j, "rows", r->rows);
    count(j, "counted", r->counted);
    count(j, "outside", r->outside);
    count(j, "types", r->types);
    count(j, "bad", r->bad);
    text(j, "bad_place", r->bad_place);
    text(j, "bad_why", r->bad_why);
    count(j, "bounced", r->bounced);
    count(j, "deferred", r->deferred);
    count(j, "attempts", r->attempts);
}

static void files(struct json *j, const struct report *r)
{
    open(j, "files", '[');
    for (size_t i = 0; i < r->file_count; i++) {
        open(j, NULL, '{');
        text(j, "name", r->files[i].name);
        count(j, "bytes", r->files[i].bytes);
        count(j, "rows", r->files[i].rows);
        count(j, "bad", r->files[i].bad);
        flag(j, "torn", r->files[i].torn);
        close(j, '}');
    }
    close(j, ']');
    open(j, "missing", '[');
    for (size_t i = 0; i < r->missing_count; i++) {
        open(j, NULL, '{');
        text(j, "column", r->missing[i].column);
        text(j, "types", r->missing[i].types);
        text(j, "what", r->missing[i].what);
        close(j, '}');
    }
    close(j, ']');
}

static void days(struct json *j, const struct report *r)
{
    open(j, "days", '[');
    for (size_t i = 0; i < r->day_count; i++) {
        open(j, NULL, '{');
        text(j, "date", r->days[i].date);
        way(j, "in", &r->days[i].in);
        way(j, "out", &r->days[i].out);
        count(j, "bounced", r->days[i].bounced);
        count(j, "deferred", r->days[i].deferred);
        close(j, '}');
    }
    close(j, ']');
}

static void weaks(struct json *j, const char *key, const struct report_weaks *w)
{
    open(j, key, '{');
    count(j, "known", w->known);
    flag(j, "approximate", w->approximate);
    open(j, "at", '[');
    for (size_t i = 0; i < w->count; i++) {
        open(j, NULL, '{');
        text(j, "name", w->at[i].name);
        text(j, "called", w->at[i].called);
        text(j, "oldest", w->at[i].oldest);
        count(j, "messages", w->at[i].messages);
        count(j, "clear", w->at[i].clear);
        count(j, "old", w->at[i].old);
        when(j, "last", w->at[i].last);
        close(j, '}');
    }
    close(j, ']');
    close(j, '}');
}

static void failures(struct json *j, const struct report_failures *f)
{
    open(j, "failures", '{');
    count(j, "total", f->total);
    count(j, "others", f->others);
    open(j, "at", '[');
    for (size_t i = 0; i < f->count; i++) {
        const struct report_failure *e = &f->at[i];

        open(j, NULL, '{');
        text(j, "error", e->error);
        text(j, "status", e->status);
        text(j, "category", e->category);
        count(j, "count", e->count);
        count(j, "bounced", e->bounced);
        count(j, "deferred", e->deferred);
        count(j, "attempts", e->attempts);
        when(j, "first", e->first);
        when(j, "last", e->last);
        text(j, "domain", e->domain);
        text(j, "server", e->server);
        text(j, "diagnostic", e->diagnostic);
        close(j, '}');
    }
    close(j, ']');
    close(j, '}');
}

static void woulds(struct json *j, const struct report_woulds *w)
{
    open(j, "woulds", '[');
    for (size_t i = 0; i < w->count; i++) {
        open(j, NULL, '{');
        text(j, "direction", w->at[i].in ? "in" : "out");
        text(j, "rule", w->at[i].rule);
        text(j, "section", w->at[i].section);
        count(j, "count", w->at[i].count);
        tallies(j, "who", &w->at[i].who);
        close(j, '}');
    }
    close(j, ']');
}

/* A section is of several lines. */
static void section(struct json *j, const char *lines)
{
    lead(j, "section");
    putc('"', j->out);
    for (; *lines; lines++) {
        if (*lines == '\n')
            fputs("\\n", j->out);
        else
            putc(*lines, j->out);
    }
    putc('"', j->out);
}

static void readies(struct json *j, const struct report_readies *r)
{
    open(j, "readies", '{');
    flag(j, "judged", r->judged);
    count(j, "known", r->known);
    count(j, "days", r->days);
    count(j, "messages", r->messages);
    open(j, "at", '[');
    for (size_t i = 0; i < r->count; i++) {
        open(j, NULL, '{');
        text(j, "name", r->at[i].name);
        count(j, "messages", r->at[i].messages);
        when(j, "first", r->at[i].first);
        when(j, "last", r->at[i].last);
        section(j, r->at[i].section);
        close(j, '}');
    }
    close(j, ']');
    close(j, '}');
}

void report_as_json(const struct report *r, FILE *out)
{
    struct json j = {out, false};

    open(&j, NULL, '{');
    read_part(&j, r);
    files(&j, r);
    days(&j, r);
    side(&j, "in", &r->in);
    side(&j, "out", &r->out);
    weaks(&j, "domains", &r->domains);
    weaks(&j, "clients", &r->clients);
    failures(&j, &r->failures);
    woulds(&j, &r->woulds);
    readies(&j, &r->readies);
    close(&j, '}');
    putc('\n', out);
}
