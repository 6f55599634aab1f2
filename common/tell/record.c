/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/record.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"

static const char *const names[] = {
#define COLUMN(name, star) #name,
#include "tell/column.def"
#undef COLUMN
};

static const char *const deeds[] = {
    [RECORD_ROW] = "row",
    [RECORD_INTENT] = "intent",
    [RECORD_OUTCOME] = "outcome",
    [RECORD_RECEIVED] = "received",
};

static const char header_[] = "header_";

/* How long values may be, in bytes before escaping; tried in turn until the line fits. A
 * remote's diagnostics give way first, then headers, then whatever is longest; the last row, which
 * has no headers, always fits. */
static const struct limit {
    size_t diag, header, other;
} limits[] = {
    {RECORD_MAX, RECORD_HEADER_VALUE, RECORD_MAX},
    {2048, RECORD_HEADER_VALUE, RECORD_MAX},
    {512, RECORD_HEADER_VALUE, RECORD_MAX},
    {512, 256, 1024},
    {512, 128, 512},
    {256, 64, 256},
    {128, 48, 128},
    {48, 0, 48},
};

const char *column_name(enum column c)
{
    return names[c];
}

enum column column_find(struct span name)
{
    enum column c = 0;

    while (c < COLUMN_COUNT && !span_is_nocase(name, names[c]))
        c++;
    return c;
}

bool record_is_header(struct span name)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                "0123456789-_.";

    for (size_t i = 0; i < name.len; i++)
        if (!memchr(plain, name.at[i], sizeof plain - 1))
            return false;
    return name.len > 0 && name.len < RECORD_HEADER_NAME;
}

static bool same_name(struct span a, struct span b)
{
    return a.len == b.len && !strncasecmp(a.at, b.at, a.len);
}

struct span record_header(const struct record *r, struct span name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (same_name(r->header[i].name, name))
            return r->header[i].value;
    return SPAN("");
}

void record_add_header(struct record *r, struct span name, struct span value)
{
    if (r->header_count < RECORD_HEADERS && value.len > 0 && record_is_header(name) &&
        record_header(r, name).len == 0)
        r->header[r->header_count++] = (struct record_header){name, value};
}

/* A cut inside of a character takes all of it away. */
static struct span cut_to(struct span s, size_t most)
{
    if (s.len <= most)
        return s;
    s.len = most;
    while (s.len > 0 && ((unsigned char)s.at[s.len] & 0xc0) == 0x80)
        s.len--;
    return s;
}

static bool add_member(struct buf *line, const char *name, struct span value, size_t most)
{
    char clean[RECORD_MAX + 1];
    bool ok = (buf_len(line) <= 1 || buf_add(line, SPAN(","))) && buf_add(line, SPAN("\"")) &&
              buf_add(line, span_of(name)) && buf_add(line, SPAN("\":\""));
    struct span rest = {clean, text_clean(clean, sizeof clean, cut_to(value, most))};

    while (ok && rest.len > 0) {
        size_t plain = 0;

        while (plain < rest.len && rest.at[plain] != '"' && rest.at[plain] != '\\')
            plain++;
        ok = buf_add(line, (struct span){rest.at, plain});
        rest = span_after(rest, plain);
        if (ok && rest.len > 0) {
            ok = buf_addf(line, "\\%c", rest.at[0]);
            rest = span_after(rest, 1);
        }
    }
    return ok && buf_add(line, SPAN("\""));
}

static bool is_time(double seconds)
{
    return isfinite(seconds) && seconds >= 1 && seconds < 1e10;
}

/* In parts, so that no locale puts a comma into it. */
static bool add_time(struct buf *line, const char *name, double seconds)
{
    long long micros = is_time(seconds) ? (long long)(seconds * 1e6 + 0.5) : 0;
    long long whole = micros / 1000000, rest = micros % 1000000;

    return buf_addf(line, ",\"%s\":%lld.%06lld", name, whole, rest);
}

static bool add_columns(struct buf *line, const struct record *r, const struct limit *l)
{
    for (int i = 0; i < COLUMN_COUNT; i++) {
        if (r->column[i].len == 0 || i == COLUMN_timeLogged || i == COLUMN_timeQueued)
            continue;
        if (!add_member(line, names[i], r->column[i], i == COLUMN_dsnDiag ? l->diag : l->other))
            return false;
    }
    return true;
}

static bool add_headers(struct buf *line, const struct record *r, const struct limit *l)
{
    char name[sizeof header_ + RECORD_HEADER_NAME];

    for (size_t i = 0; i < r->header_count && l->header > 0; i++) {
        snprintf(name, sizeof name, "%s%.*s", header_, SPAN_ARG(r->header[i].name));
        if (!add_member(line, name, r->header[i].value, l->header))
            return false;
    }
    return true;
}

static bool add_line(struct buf *line, const struct record *r, const struct limit *l)
{
    return buf_add(line, SPAN("{")) && add_member(line, "do", span_of(deeds[r->what]), 16) &&
           add_member(line, "key", r->key, RECORD_KEY_MAX) && add_time(line, "at", r->at) &&
           (!is_time(r->queued) || add_time(line, "queued", r->queued)) &&
           (r->id_host.len == 0 || add_member(line, "host", r->id_host, l->other)) &&
           add_columns(line, r, l) && add_headers(line, r, l) && buf_add(line, SPAN("}\n"));
}

bool record_write(struct buf *to, const struct record *r)
{
    struct buf line;
    bool ok = false;

    buf_init(&line, RECORD_MAX);
    for (size_t i = 0; i < COUNT_OF(limits) && !ok; i++) {
        buf_clear(&line);
        ok = add_line(&line, r, &limits[i]);
    }
    ok = ok && buf_add(to, buf_peek(&line));
    buf_clear(&line);
    return ok;
}

static bool take_text(const json_t *from, struct span *to)
{
    if (!json_is_string(from))
        return false;
    *to = (struct span){json_string_value(from), json_string_length(from)};
    return true;
}

static bool take_time(const json_t *from, double *to)
{
    if (!json_is_number(from))
        return false;
    *to = json_number_value(from);
    return is_time(*to);
}

static bool take_deed(const json_t *from, enum record_do *to)
{
    struct span word;

    if (!take_text(from, &word))
        return false;
    for (size_t i = 0; i < COUNT_OF(deeds); i++) {
        if (span_is(word, deeds[i])) {
            *to = (enum record_do)i;
            return true;
        }
    }
    return false;
}

static bool take_columns(const json_t *line, struct record *out)
{
    for (int i = 0; i < COLUMN_COUNT; i++) {
        const json_t *value = json_object_get(line, names[i]);

        if (value && !take_text(value, &out->column[i]))
            return false;
    }
    out->column[COLUMN_timeLogged] = out->column[COLUMN_timeQueued] = SPAN("");
    return true;
}

/* What is no name of a field, or one too many, is let be. */
static bool take_headers(const json_t *line, struct record *out)
{
    const size_t len = sizeof header_ - 1;
    const char *name;
    const json_t *value;

    json_object_foreach((json_t *)line, name, value)
    {
        struct span text;

        if (strncmp(name, header_, len) != 0)
            continue;
        if (!take_text(value, &text))
            return false;
        record_add_header(out, span_of(name + len), text);
    }
    return true;
}

/* Names that we do not know are let be: a newer version may have written them. */
static bool take_record(const json_t *line, struct record *out)
{
    const json_t *queued = json_object_get(line, "queued");
    const json_t *host = json_object_get(line, "host");
    bool paired;

    if (!take_deed(json_object_get(line, "do"), &out->what) ||
        !take_text(json_object_get(line, "key"), &out->key) || out->key.len > RECORD_KEY_MAX ||
        !take_time(json_object_get(line, "at"), &out->at))
        return false;
    paired = out->what == RECORD_INTENT || out->what == RECORD_OUTCOME;
    return (!paired || out->key.len > 0) && (!queued || take_time(queued, &out->queued)) &&
           (!host || take_text(host, &out->id_host)) && take_columns(line, out) &&
           take_headers(line, out);
}

bool record_read(struct span line, struct record *out, struct record_memory **memory)
{
    json_t *json;

    *out = (struct record){.what = RECORD_ROW};
    *memory = NULL;
    if (line.len > 0 && line.at[line.len - 1] == '\n')
        line.len--;
    if (line.len == 0 || line.len >= RECORD_MAX)
        return false;
    json = json_loadb(line.at, line.len, JSON_REJECT_DUPLICATES, NULL);
    *memory = (struct record_memory *)json;
    if (json_is_object(json) && take_record(json, out))
        return true;
    record_forget(memory);
    *out = (struct record){.what = RECORD_ROW};
    return false;
}

void record_forget(struct record_memory **memory)
{
    json_decref((json_t *)*memory);
    *memory = NULL;
}
