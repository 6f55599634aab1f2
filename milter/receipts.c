/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/receipts.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "tell/record.h"
#include "tell/spool.h"

/* How much is written at once. */
enum { PIECE = 256 << 10 };

struct receipts {
    pthread_mutex_t lock;
    struct spool *spool;
};

struct receipts *receipts_open(const struct settings *s, char *why, size_t size)
{
    struct receipts *r = calloc(1, sizeof *r);

    if (!r) {
        snprintf(why, size, "milter: no memory");
        return NULL;
    }
    pthread_mutex_init(&r->lock, NULL);
    r->spool = spool_open(s->global.spool_directory, "received", why, size);
    if (!r->spool)
        receipts_close(&r);
    else if (settings_sync(s) != ACCT_SYNC_REPLY)
        spool_map(r->spool);
    return r;
}

void receipts_close(struct receipts **r)
{
    if (*r) {
        spool_close(&(*r)->spool);
        pthread_mutex_destroy(&(*r)->lock);
    }
    free(*r);
    *r = NULL;
}

bool receipts_reserve(struct receipts *r, struct message *m)
{
    bool ok;

    pthread_mutex_lock(&r->lock);
    ok = spool_reserve(r->spool, RECORD_MAX);
    pthread_mutex_unlock(&r->lock);
    if (ok)
        m->aside += RECORD_MAX;
    return ok;
}

void receipts_release(struct receipts *r, struct message *m)
{
    pthread_mutex_lock(&r->lock);
    spool_release(r->spool, m->aside);
    pthread_mutex_unlock(&r->lock);
    m->aside = 0;
}

bool receipts_write(struct receipts *r, struct session *s, const char *queue_id)
{
    struct recipient_at at = {.offset = 0};
    struct buf lines;
    bool ok = true;

    buf_init(&lines, PIECE);
    while (ok && message_write(s, queue_id, &at, &lines)) {
        pthread_mutex_lock(&r->lock);
        ok = spool_append(r->spool, buf_peek(&lines));
        pthread_mutex_unlock(&r->lock);
        buf_clear(&lines);
    }
    receipts_release(r, &s->message);
    buf_clear(&lines);
    return ok;
}
