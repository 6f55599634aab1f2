/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/reception.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/text.h"
#include "tell/log.h"

/* Longer than any mail server keeps what it cannot deliver. */
static const double remembered = 7 * 86400;

/* Clocks of processes on one machine agree, but a reception may be noted a moment after its
 * first delivery. */
static const double slack = 2;

enum { ID = 128, HOST = 256, TIME = 8, KEY = ID + HOST + TIME + 2 };

/* What a delivery takes over: the first OWN always, since all that it knows of them is the mail
 * server that handed it over; the others where it has nothing of its own. */
enum { OWN = 2 };
static const enum column joined[] = {
    COLUMN_srcType,
    COLUMN_srcMta,
    COLUMN_rcvSourceIp,
    COLUMN_rcvDestinationIp,
    COLUMN_rcvSmtpUser,
    COLUMN_rcvTlsProtocol,
    COLUMN_rcvTlsCipher,
    COLUMN_rcvTlsGroup,
    COLUMN_rcvTlsVerify,
    COLUMN_rcvTlsClientSubject,
    COLUMN_rcvTlsClientFingerprint,
    COLUMN_rcvTlsSni,
    COLUMN_sourceRule,
    COLUMN_sourceReport,
};

/* The columns' part of a value, of records that say it alike. */
struct alike_value {
    uint64_t number; /* record_alike's; 0: nothing is here */
    size_t len;
    char bytes[1024];
};

struct receptions {
    struct alike *alike;
    struct alike_value value[ALIKE_PLACES];
    bool crowded; /* it was said, and they did not become clearly fewer since */
};

struct receptions *receptions_new(void)
{
    struct receptions *m = calloc(1, sizeof *m);

    if (m && !(m->alike = alike_new()))
        receptions_free(&m);
    return m;
}

void receptions_free(struct receptions **m)
{
    if (*m)
        alike_free(&(*m)->alike);
    free(*m);
    *m = NULL;
}

bool reception_read(struct receptions *m, struct span line, struct record *out,
                    struct record_memory **memory)
{
    return alike_read(m->alike, line, out, memory);
}

/* A mail server names the moment when the message was queued, or the record does. */
static double time_of(const struct record *r)
{
    return r->queued > 0 ? r->queued : r->at;
}

/* "ID NUL", with which all keys of an id begin. Values are clean, so a NUL is in none. */
static size_t put_id(char to[KEY], const struct record *r)
{
    struct span id = r->column[COLUMN_queueId];
    size_t len = id.len < ID ? id.len : ID;

    memcpy(to, id.at, len);
    to[len] = '\0';
    return len + 1;
}

static size_t put_host(char to[KEY], size_t at, struct span host)
{
    size_t len = host.len < HOST ? host.len : HOST;

    for (size_t i = 0; i < len; i++)
        to[at++] = (char)tolower((unsigned char)host.at[i]);
    to[at] = '\0';
    return at + 1;
}

static size_t put_time(char to[KEY], size_t at, double seconds)
{
    uint64_t micros = (uint64_t)(seconds * 1e6);

    for (int i = TIME - 1; i >= 0; i--)
        to[at++] = (char)(micros >> (8 * i));
    return at;
}

/* A value is what deliveries take over: of each column its place in joined[], its length and its
 * text; header fields are HEADER, and their name ends with a NUL. The store outlives a program:
 * joined[] may grow at its end. */
enum { HEADER = 0xff, PART = 3 };

/* On its way to the store; there is room for all that a record can have. */
struct value {
    char bytes[2 * RECORD_MAX];
    size_t len;
};

static bool put_part(struct value *to, unsigned what, struct span name, struct span value)
{
    size_t len = name.len + value.len;
    char *at = to->bytes + to->len;

    if (len > sizeof to->bytes - PART - to->len)
        return false;
    at[0] = (char)what;
    at[1] = (char)(len >> 8);
    at[2] = (char)len;
    memcpy(at + PART, name.at, name.len);
    memcpy(at + PART + name.len, value.at, value.len);
    to->len += PART + len;
    return true;
}

static bool put_columns(struct value *to, const struct record *r)
{
    bool ok = true;

    for (size_t i = 0; i < COUNT_OF(joined) && ok; i++)
        if (r->column[joined[i]].len > 0)
            ok = put_part(to, (unsigned)i, SPAN(""), r->column[joined[i]]);
    return ok;
}

/* Does it say nothing else that a delivery takes over? */
static bool is_alike(const struct record *r)
{
    for (size_t i = 0; i < COUNT_OF(joined); i++)
        if (r->column[joined[i]].len > 0 && !record_alike_has(r->alike, joined[i]))
            return false;
    return r->alike.number > 0;
}

/* Put together once for all that say them alike: 700 of 9,000 instructions of a reception. */
static bool put_alike(struct receptions *m, struct value *to, const struct record *r)
{
    struct alike_value *known = &m->value[r->alike.place];

    if (!is_alike(r))
        return put_columns(to, r);
    if (known->number == r->alike.number) {
        to->len = known->len;
        memcpy(to->bytes, known->bytes, known->len);
        return true;
    }
    if (!put_columns(to, r))
        return false;
    if (to->len <= sizeof known->bytes) {
        known->len = to->len;
        memcpy(known->bytes, to->bytes, to->len);
        known->number = r->alike.number;
    }
    return true;
}

static bool put_headers(struct value *to, const struct record *r)
{
    bool ok = true;

    for (size_t i = 0; i < r->header_count && ok; i++) {
        char name[RECORD_HEADER_NAME];

        text_copy(name, sizeof name, r->header[i].name);
        ok = put_part(to, HEADER, (struct span){name, strlen(name) + 1}, r->header[i].value);
    }
    return ok;
}

static void take_part(struct record *to, unsigned what, struct span text)
{
    if (what == HEADER) {
        struct span name = span_cut(&text, '\0');

        record_add_header(to, name, text);
    } else if (what < COUNT_OF(joined) && (to->column[joined[what]].len == 0 || what < OWN)) {
        to->column[joined[what]] = text;
    }
}

static void take_value(struct record *to, struct span value)
{
    while (value.len >= PART) {
        const unsigned char *head = (const unsigned char *)value.at;
        size_t len = (size_t)head[1] << 8 | head[2];

        value = span_after(value, PART);
        if (len > value.len)
            return;
        take_part(to, head[0], (struct span){value.at, len});
        value = span_after(value, len);
    }
}

bool reception_keep(struct receptions *m, struct store_txn *t, unsigned kind,
                    const struct record *r)
{
    char key[KEY];
    size_t len;
    struct value value;

    if (r->column[COLUMN_queueId].len == 0)
        return true;
    len = put_host(key, put_id(key, r), r->id_host);
    len = put_time(key, len, time_of(r));
    value.len = 0;
    /* It may be there, of another recipient. */
    return put_alike(m, &value, r) && put_headers(&value, r) &&
           store_add(t, kind, (struct span){key, len}, (struct span){value.bytes, value.len},
                     r->at + remembered);
}

/* A search through the keys of one id. */
struct search {
    struct span prefix, host; /* host "": any will do */
    double before;            /* when the delivery was */
    double best_at;
    struct span best; /* the store's */
};

static double read_time(struct span bytes)
{
    uint64_t micros = 0;

    for (size_t i = 0; i < bytes.len; i++)
        micros = micros << 8 | (unsigned char)bytes.at[i];
    return (double)micros / 1e6;
}

/* Before the delivery the latest is the nearest; after it, within the slack, the earliest. */
static bool is_nearer(const struct search *s, double at)
{
    if (at > s->before + slack)
        return false;
    if (!s->best.at)
        return true;
    return s->best_at > s->before ? at < s->best_at : at <= s->before && at > s->best_at;
}

static bool look(void *arg, struct span key, struct span value)
{
    struct search *s = arg;
    struct span host;
    double at;

    if (key.len < s->prefix.len + 1 + TIME || memcmp(key.at, s->prefix.at, s->prefix.len) != 0)
        return false;
    host = (struct span){key.at + s->prefix.len, key.len - s->prefix.len - 1 - TIME};
    at = read_time(span_after(key, key.len - TIME));
    if ((host.len == 0 || s->host.len == 0 ||
         (host.len == s->host.len && strncasecmp(host.at, s->host.at, host.len) == 0)) &&
        is_nearer(s, at)) {
        s->best_at = at;
        s->best = value;
    }
    return true;
}

bool reception_join(struct store_txn *t, unsigned kind, struct record *delivery)
{
    char key[KEY];
    struct search s = {.host = delivery->id_host, .before = delivery->at};

    if (delivery->column[COLUMN_queueId].len == 0)
        return false;
    if (s.host.len > HOST)
        s.host.len = HOST;
    s.prefix = (struct span){key, put_id(key, delivery)};
    store_walk_from(t, kind, s.prefix, look, &s);
    if (!s.best.at)
        return false;
    delivery->queued = s.best_at;
    take_value(delivery, s.best);
    return true;
}

void reception_set_wait(struct record *delivery, char to[24])
{
    double waited = delivery->at - delivery->queued;

    if (delivery->queued > 0) {
        size_t len = text_decimal(to, waited > 0 ? (unsigned long)waited : 0);

        delivery->column[COLUMN_totalSecondsQueued] = (struct span){to, len};
    }
}

/* So many are dropped at most beyond those that came. */
enum { DROPPED_MORE = 256 };

bool reception_forget(struct receptions *m, struct store_txn *t, unsigned kind, double now,
                      size_t came, size_t most)
{
    size_t taken = store_size(t, kind);
    bool full = taken > most;
    size_t count = 2 * came + DROPPED_MORE;

    store_expire(t, kind, full ? INFINITY : now, count);
    /* Where it is full it swings around its limit for as long as mail comes. */
    if (taken < most - most / 16)
        m->crowded = false;
    if (full && !m->crowded)
        log_say(LOG_FAULT, "", "receptions-full", {"bytes", log_number((double)most)},
                {"then", SPAN("the oldest are forgotten, and their deliveries not joined")});
    m->crowded = m->crowded || full;
    return !full;
}
