/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/intents.h"

#include <stdio.h>

enum { KEY = SPOOL_NAME + RECORD_KEY_MAX };

static struct span intent_key(char to[KEY], const char *writer, struct span key)
{
    return (struct span){to, (size_t)snprintf(to, KEY, "%s %.*s", writer, SPAN_ARG(key))};
}

bool intents_keep(struct store_txn *t, unsigned kind, const char *writer, const struct record *r,
                  struct span line)
{
    char key[KEY];

    return store_put(t, kind, intent_key(key, writer, r->key), line, 0);
}

bool intents_drop(struct store_txn *t, unsigned kind, const char *writer, const struct record *r)
{
    char key[KEY];

    return store_drop(t, kind, intent_key(key, writer, r->key));
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
