/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/reception.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>

/* Longer than any mail server keeps what it cannot deliver. */
static const double remembered = 7 * 86400;

/* Clocks of processes on one machine agree, but a reception may be noted a moment after its
 * first delivery. */
static const double slack = 2;

enum { ID = 128, HOST = 256, TIME = 8, KEY = ID + HOST + TIME + 2 };

/* What a delivery takes over where it has nothing of its own. */
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

bool reception_keep(struct store_txn *t, unsigned kind, const struct record *r, struct span line)
{
    char key[KEY];
    size_t len;

    if (r->column[COLUMN_queueId].len == 0)
        return true;
    len = put_host(key, put_id(key, r), r->id_host);
    len = put_time(key, len, time_of(r));
    return store_put(t, kind, (struct span){key, len}, line, r->at + remembered);
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

bool reception_join(struct store_txn *t, unsigned kind, struct record *delivery,
                    struct record_memory **memory)
{
    char key[KEY];
    struct search s = {.host = delivery->id_host, .before = delivery->at};
    struct record found;

    *memory = NULL;
    if (delivery->column[COLUMN_queueId].len == 0)
        return false;
    if (s.host.len > HOST)
        s.host.len = HOST;
    s.prefix = (struct span){key, put_id(key, delivery)};
    store_walk_from(t, kind, s.prefix, look, &s);
    if (!s.best.at || !record_read(s.best, &found, memory))
        return false;
    delivery->queued = time_of(&found);
    for (size_t i = 0; i < COUNT_OF(joined); i++) {
        if (delivery->column[joined[i]].len == 0)
            delivery->column[joined[i]] = found.column[joined[i]];
    }
    return true;
}
