/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/intents.h"

#include <stdlib.h>

#include "base/crc32c.h"

/* KEY: the writer, a space and the record's key. ROOM is that of a batch with its keys; what there
 * is no room for goes to the store at once. */
enum { KEY = SPOOL_NAME + RECORD_KEY_MAX, SLOTS = 8192, OPEN_MOST = SLOTS / 2, ROOM = 3 << 20 };

/* One of this batch: its key and its line, one behind the other. */
struct open {
    uint32_t at, key, line; /* where, and how long; key 0: a free slot; line 0: it has ended */
};

struct intents {
    unsigned kind;
    size_t count, used;
    struct open open[SLOTS];
    char bytes[ROOM];
};

struct intents *intents_new(unsigned kind)
{
    struct intents *i = calloc(1, sizeof *i);

    if (i)
        i->kind = kind;
    return i;
}

void intents_free(struct intents **i)
{
    free(*i);
    *i = NULL;
}

static struct span intent_key(char to[KEY], const char *writer, struct span key)
{
    size_t len = strnlen(writer, SPOOL_NAME - 1);

    memcpy(to, writer, len);
    to[len++] = ' ';
    if (key.len > RECORD_KEY_MAX)
        key.len = RECORD_KEY_MAX;
    memcpy(to + len, key.at, key.len);
    return (struct span){to, len + key.len};
}

static struct span key_at(const struct intents *i, const struct open *o)
{
    return (struct span){i->bytes + o->at, o->key};
}

static struct span line_at(const struct intents *i, const struct open *o)
{
    return (struct span){i->bytes + o->at + o->key, o->line};
}

/* The slot that has this key, or a free one: there always is one. */
static size_t slot_of(const struct intents *i, struct span key)
{
    size_t at = crc32c(0, key) % SLOTS;

    while (i->open[at].key > 0 && !span_same(key_at(i, &i->open[at]), key))
        at = (at + 1) % SLOTS;
    return at;
}

bool intents_keep(struct intents *i, struct store_txn *t, const char *writer,
                  const struct record *r, struct span line)
{
    char text[KEY];
    struct span key = intent_key(text, writer, r->key);
    struct open *o = &i->open[slot_of(i, key)];

    if (i->count == OPEN_MOST || key.len + line.len > ROOM - i->used)
        return store_put(t, i->kind, key, line, 0);
    i->count += o->key == 0;
    *o = (struct open){(uint32_t)i->used, (uint32_t)key.len, (uint32_t)line.len};
    memcpy(i->bytes + i->used, key.at, key.len);
    memcpy(i->bytes + i->used + key.len, line.at, line.len);
    i->used += key.len + line.len;
    return true;
}

bool intents_take(struct intents *i, struct store_txn *t, const char *writer, struct span line,
                  bool *kept)
{
    struct record r = {.what = RECORD_ROW};

    if (!record_peek(line, &r.what, &r.key) || r.what != RECORD_INTENT ||
        line.at[line.len - 1] != '}')
        return false;
    *kept = intents_keep(i, t, writer, &r, line);
    return true;
}

bool intents_find(const struct intents *i, struct store_txn *t, const char *writer,
                  const struct record *r, struct span *line)
{
    char text[KEY];
    struct span key = intent_key(text, writer, r->key);
    const struct open *o = &i->open[slot_of(i, key)];

    if (o->line == 0)
        return store_get(t, i->kind, key, line);
    *line = line_at(i, o);
    return true;
}

bool intents_drop(struct intents *i, struct store_txn *t, const char *writer,
                  const struct record *r)
{
    char text[KEY];
    struct span key = intent_key(text, writer, r->key);
    struct open *o = &i->open[slot_of(i, key)];

    if (o->line == 0)
        return store_drop(t, i->kind, key);
    o->line = 0;
    return true;
}

void intents_forget(struct intents *i)
{
    if (i->count > 0)
        memset(i->open, 0, sizeof i->open);
    i->count = i->used = 0;
}

bool intents_settle(struct intents *i, struct store_txn *t)
{
    bool ok = true;

    for (size_t at = 0; i->count > 0 && at < SLOTS && ok; at++)
        if (i->open[at].line > 0)
            ok = store_put(t, i->kind, key_at(i, &i->open[at]), line_at(i, &i->open[at]), 0);
    intents_forget(i);
    return ok;
}

static bool find_orphan(void *arg, struct span key, struct span value)
{
    struct orphans *o = arg;
    struct span rest = key, writer = span_cut(&rest, ' ');

    (void)value;
    if (key.len <= sizeof o->key[0].text && round_is_gone(o->round, writer)) {
        memcpy(o->key[o->count].text, key.at, key.len);
        o->key[o->count++].len = key.len;
    }
    return o->count < COUNT_OF(o->key);
}

void intents_find_orphans(struct store_txn *t, unsigned kind, const struct round *round,
                          struct orphans *out)
{
    out->count = 0;
    out->round = round;
    store_walk(t, kind, find_orphan, out);
}

void intents_end(struct record *r)
{
    r->column[COLUMN_type] = SPAN("t");
    r->column[COLUMN_dsnAction] = SPAN("delayed");
    r->column[COLUMN_dsnStatus] = SPAN("4.4.2 (bad connection)");
    r->column[COLUMN_dsnDiag] = SPAN("smtp;451 4.4.2 outcome unknown");
}
