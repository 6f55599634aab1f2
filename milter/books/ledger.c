/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/ledger.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "milter/books/batch.h"
#include "milter/books/folders.h"
#include "milter/books/journal.h"
#include "milter/books/places.h"
#include "milter/books/round.h"
#include "tell/log.h"

static const char *const kinds[] = {
    [KIND_RECEPTIONS] = "receptions", [KIND_INTENTS] = "intents", [KIND_PLACES] = "places",
    [KIND_JOURNAL] = "journal",       [KIND_JOURNAL + 1] = NULL,
};

/* A batch ends when it has read so much; after so many lines others have their turn. */
enum { READ_MOST = 1 << 20, TURN = 16 };

/* The store's file may grow to this, and receptions to this much of it: some ten million. */
static const size_t store_most = (size_t)8 << 30, receptions_most = (size_t)6 << 30;

enum stage { STAGE_READING, STAGE_ORPHANS, STAGE_OVER };

struct ledger {
    const char *spool;
    struct store *store;
    struct journal *journal;
    struct batch batch;

    struct round round;
    enum stage stage;
    bool cleared;      /* what is kept of segments that are gone, in this round */
    bool started_anew; /* intents may be left of writers that are long gone */

    size_t taken;   /* bytes that the batch has read */
    unsigned lines; /* of all batches, for TURN */
    bool hurries;   /* the last one was full: more may wait than there is time for */

    bool stuck; /* it was said already */
};

struct ledger *ledger_open(const struct settings *settings, char *why, size_t size)
{
    struct ledger *l = calloc(1, sizeof *l);
    char folder[4096];

    snprintf(why, size, "accountant: no memory");
    if (!l)
        return NULL;
    l->spool = settings->global.spool_directory;
    l->stage = STAGE_OVER;
    l->started_anew = true;
    l->batch.joins = settings->relay_listener_count > 0;
    snprintf(folder, sizeof folder, "%s/accounting", settings->global.state_directory);
    if ((l->batch.receptions = receptions_new()) &&
        (l->batch.intents = intents_new(KIND_INTENTS)) &&
        (l->batch.sinks = sinks_open(settings, why, size)) &&
        (l->store = store_open(folder, kinds, store_most, true, why, size)) &&
        (l->journal = journal_open(folder, l->store, KIND_JOURNAL, why, size)) &&
        sinks_register(l->batch.sinks, l->journal, settings_sync(settings) != ACCT_SYNC_NONE, why,
                       size) &&
        folders_sync(folder, settings->global.state_directory, why, size))
        return l;
    ledger_close(&l);
    return NULL;
}

void ledger_close(struct ledger **l)
{
    if (!*l)
        return;
    round_end(&(*l)->round);
    journal_close(&(*l)->journal);
    sinks_close(&(*l)->batch.sinks);
    intents_free(&(*l)->batch.intents);
    receptions_free(&(*l)->batch.receptions);
    store_close(&(*l)->store);
    free(*l);
    *l = NULL;
}

/* Who moves the mail goes first where both want one core. In 3,000 sessions one by one it waited up
 * to 1.0 ms for the end of a batch; with this up to 0.2. */
static void give_way(const struct ledger *l)
{
    if (!l->hurries)
        (void)sched_yield();
}

static bool is_full(const struct ledger *l)
{
    return l->taken >= READ_MOST || sinks_are_full(l->batch.sinks);
}

/* Lines of `text` that lie before the segment's noted end. False: none was taken. */
static bool take_lines(struct ledger *l, struct reading *g, struct span text)
{
    size_t before = g->at;

    while (text.len > 0 && !g->held) {
        struct span rest = text, line = span_cut(&rest, '\n');
        size_t len = text.len - rest.len;

        if (g->at + len > g->segment.size)
            break;
        if (++l->lines % TURN == 0)
            give_way(l);
        g->held = !batch_take(&l->batch, &g->segment, line);
        if (!g->held)
            g->at += len;
        text = rest;
    }
    l->taken += g->at - before;
    return g->at > before;
}

/* Behind the last whole line of a segment that nobody writes any more. Nobody was told that it
 * was done, unless the power was cut. */
static void skip_torn_line(struct ledger *l, struct reading *g)
{
    if (!g->segment.closed || g->at >= g->segment.size)
        return;
    l->batch.bad++;
    g->at = g->segment.size;
}

static void read_segment(struct ledger *l, struct reading *g)
{
    size_t before;

    places_find(l->batch.txn, KIND_PLACES, g);
    before = g->at;
    while (!g->ended && !g->held && !l->batch.failed && !is_full(l)) {
        struct buf text;

        buf_init(&text, 64 << 10);
        if (g->at < g->segment.size && !spool_read(l->spool, &g->segment, g->at, &text))
            l->batch.failed = true;
        else if (!take_lines(l, g, buf_peek(&text)) && !g->held)
            g->ended = true;
        buf_clear(&text);
    }
    if (g->ended)
        skip_torn_line(l, g);
    if (g->at > before)
        batch_keep(&l->batch, places_keep(l->batch.txn, KIND_PLACES, g));
}

static void end_intents(struct ledger *l)
{
    bool look = l->started_anew || round_has_closed_delivery(&l->round);
    struct orphans o = {.count = 0};

    do {
        if (look)
            intents_find_orphans(l->batch.txn, KIND_INTENTS, &l->round, &o);
        for (size_t i = 0; i < o.count; i++)
            batch_end_intent(&l->batch, (struct span){o.key[i].text, o.key[i].len});
    } while (o.count > 0 && !is_full(l) && !l->batch.failed);
    if (o.count == 0)
        l->stage = STAGE_OVER;
}

static void fill_batch(struct ledger *l)
{
    struct round *r = &l->round;

    if (!l->cleared)
        l->batch.failed =
            !places_forget(l->batch.txn, KIND_PLACES, &l->round, l->spool, &l->batch.changed);
    l->cleared = true;
    while (l->stage == STAGE_READING && !is_full(l) && !l->batch.failed) {
        if (r->now == r->count)
            l->stage = STAGE_ORPHANS;
        else
            read_segment(l, &r->readings[r->now]);
        if (r->now < r->count && (r->readings[r->now].ended || r->readings[r->now].held))
            r->now++;
    }
    if (l->stage == STAGE_ORPHANS && !l->batch.failed) {
        l->batch.failed = !intents_settle(l->batch.intents, l->batch.txn);
        end_intents(l);
    }
}

/* The round begins anew: the store knows where to go on. */
static enum ledger_end say_stuck(struct ledger *l, const char *why)
{
    if (!l->stuck)
        log_say(LOG_FAULT, "", "accounting-stuck", {"why", span_of(why)},
                {"system", span_of(strerror(errno))}, {"then", SPAN("records wait in the spool")});
    l->stuck = true;
    round_end(&l->round);
    l->stage = STAGE_OVER;
    return LEDGER_STUCK;
}

/* Keeps the batch, if there is anything in it. What failed is forgotten as a whole. */
static enum ledger_end end_batch(struct ledger *l)
{
    bool ok = !l->batch.failed;

    if (ok && !l->batch.changed) {
        store_abort(&l->batch.txn);
    } else {
        ok = ok && intents_settle(l->batch.intents, l->batch.txn);
        ok = ok && journal_begin(l->journal, l->batch.txn) &&
             sinks_keep(l->batch.sinks, l->journal, l->batch.txn);
        reception_forget(l->batch.receptions, l->batch.txn, KIND_RECEPTIONS, clock_now(),
                         l->batch.came, receptions_most);
        give_way(l);
        if (ok)
            ok = store_commit(&l->batch.txn);
        else
            store_abort(&l->batch.txn);
        journal_end(l->journal, ok);
    }
    l->hurries = is_full(l);
    sinks_forget(l->batch.sinks);
    intents_forget(l->batch.intents);
    if (!ok)
        return say_stuck(l, "the store cannot be written, or a segment not be read");
    l->stuck = false;
    if (l->batch.bad > 0)
        log_say(LOG_FAULT, "", "spool-bad-lines", {"count", log_number((double)l->batch.bad)},
                {"then", SPAN("left out")});
    if (l->batch.changed)
        return l->stage == STAGE_OVER ? LEDGER_BUSY : LEDGER_MORE;
    if (journal_is_behind(l->journal))
        return LEDGER_BEHIND;
    return round_holds(&l->round) ? LEDGER_HOLDS : LEDGER_IDLE;
}

enum ledger_end ledger_gather(struct ledger *l)
{
    bool looked = l->stage == STAGE_OVER;
    enum ledger_end end;

    l->taken = l->batch.bad = l->batch.came = 0;
    l->batch.changed = l->batch.failed = false;
    sinks_begin(l->batch.sinks);
    if (l->stage == STAGE_OVER) {
        if (!round_start(&l->round, l->spool))
            return say_stuck(l, "the spool cannot be read");
        l->stage = STAGE_READING;
        l->cleared = false;
        l->batch.joins = l->batch.joins || round_has_delivery(&l->round);
    }
    l->batch.txn = store_begin(l->store);
    if (!l->batch.txn)
        return say_stuck(l, "the store cannot be read");
    fill_batch(l);
    end = end_batch(l);
    if (end != LEDGER_STUCK && l->stage == STAGE_OVER)
        l->started_anew = false;
    return end == LEDGER_IDLE && !looked ? LEDGER_BUSY : end;
}

bool ledger_write(struct ledger *l)
{
    if (!journal_write(l->journal))
        return false;
    if (l->stage == STAGE_OVER && l->round.count > 0) {
        round_remove(&l->round, l->spool);
        round_end(&l->round);
    }
    return true;
}

enum ledger_end ledger_step(struct ledger *l)
{
    enum ledger_end end;

    if (!ledger_write(l))
        return LEDGER_STUCK;
    end = ledger_gather(l);
    give_way(l);
    return end == LEDGER_STUCK || ledger_write(l) ? end : LEDGER_STUCK;
}
