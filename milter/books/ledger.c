/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/ledger.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "keep/store.h"
#include "milter/books/folders.h"
#include "milter/books/intents.h"
#include "milter/books/journal.h"
#include "milter/books/places.h"
#include "milter/books/reception.h"
#include "milter/books/round.h"
#include "milter/books/sinks.h"
#include "tell/log.h"
#include "tell/merge.h"

/* What the store has. */
enum { RECEPTIONS, INTENTS, PLACES, JOURNAL };
static const char *const kinds[] = {"receptions", "intents", "places", "journal", NULL};

/* A batch ends when it has read so much; after so many lines others have their turn. */
enum { READ_MOST = 1 << 20, TURN = 16 };

/* The store's file may grow to this, and receptions to this much of it: some ten million. */
static const size_t store_most = (size_t)8 << 30, receptions_most = (size_t)6 << 30;

/* So long may a delivery be ahead of its reception: mail servers start to deliver before the
 * client has heard that they took the message. */
static const double patience = 0.5;

enum stage { STAGE_READING, STAGE_ORPHANS, STAGE_OVER };

struct ledger {
    const char *spool;
    struct store *store;
    struct journal *journal;
    struct sinks *sinks;
    struct intents *intents;
    struct receptions *receptions;

    struct round round;
    enum stage stage;
    bool cleared;      /* what is kept of segments that are gone, in this round */
    bool started_anew; /* intents may be left of writers that are long gone */

    /* The batch. */
    struct store_txn *txn;
    size_t taken, bad, came; /* bytes; lines; receptions */
    bool changed, failed;
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
    snprintf(folder, sizeof folder, "%s/accounting", settings->global.state_directory);
    if ((l->receptions = receptions_new()) && (l->intents = intents_new(INTENTS)) &&
        (l->sinks = sinks_open(settings, why, size)) &&
        (l->store = store_open(folder, kinds, store_most, true, why, size)) &&
        (l->journal = journal_open(folder, l->store, JOURNAL, why, size)) &&
        sinks_register(l->sinks, l->journal, settings_sync(settings) != ACCT_SYNC_NONE, why,
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
    sinks_close(&(*l)->sinks);
    intents_free(&(*l)->intents);
    receptions_free(&(*l)->receptions);
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
    return l->taken >= READ_MOST || sinks_are_full(l->sinks);
}

static void keep(struct ledger *l, bool done)
{
    l->changed = true;
    l->failed = l->failed || !done;
}

/* `to` is for a number, as long as the record is used. */
static void add_delivery(struct ledger *l, struct record *r, char to[24])
{
    reception_set_wait(r, to);
    keep(l, sinks_add(l->sinks, r));
}

/* False: it has to wait. */
static bool take_delivery(struct ledger *l, struct record *r)
{
    double age = clock_now() - r->at;
    bool joined = reception_join(l->txn, RECEPTIONS, r);
    char seconds[24];

    if (!joined && r->column[COLUMN_queueId].len > 0 && age >= 0 && age < patience)
        return false;
    add_delivery(l, r, seconds);
    return true;
}

/* Without its intent it is a row of what it says itself. */
static bool take_outcome(struct ledger *l, const char *writer, struct record *r)
{
    struct record_memory *memory = NULL;
    struct record intent;
    struct span line;
    bool intended = intents_find(l->intents, l->txn, writer, r, &line), taken;
    bool whole = intended && record_read(line, &intent, &memory);

    if (whole)
        merge_intent(r, &intent);
    l->bad += intended && !whole;
    taken = take_delivery(l, r);
    if (taken && intended)
        keep(l, intents_drop(l->intents, l->txn, writer, r));
    record_forget(&memory);
    return taken;
}

static bool take_record(struct ledger *l, const char *writer, struct record *r, struct span line)
{
    switch (r->what) {
    case RECORD_RECEIVED:
        r->column[COLUMN_type] = SPAN("r");
        keep(l, reception_keep(l->receptions, l->txn, RECEPTIONS, r));
        l->came++;
        keep(l, sinks_add(l->sinks, r));
        return true;
    case RECORD_INTENT:
        keep(l, intents_keep(l->intents, l->txn, writer, r, line));
        return true;
    case RECORD_ROW:
        return take_delivery(l, r);
    case RECORD_OUTCOME:
        return take_outcome(l, writer, r);
    }
    return true;
}

static bool take_line(struct ledger *l, const struct spool_segment *from, struct span line)
{
    struct record_memory *memory = NULL;
    struct record r;
    bool taken = true, kept = true;

    if (!from->received && intents_take(l->intents, l->txn, from->writer, line, &kept))
        keep(l, kept);
    else if (from->received ? reception_read(l->receptions, line, &r, &memory)
                            : record_read(line, &r, &memory))
        taken = take_record(l, from->writer, &r, line);
    else
        l->bad++;
    record_forget(&memory);
    return taken;
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
        g->held = !take_line(l, &g->segment, line);
        if (!g->held)
            g->at += len;
        text = rest;
    }
    l->taken += g->at - before;
    l->changed = l->changed || g->at > before;
    return g->at > before;
}

/* Behind the last whole line of a segment that nobody writes any more. Nobody was told that it
 * was done, unless the power was cut. */
static void skip_torn_line(struct ledger *l, struct reading *g)
{
    if (!g->segment.closed || g->at >= g->segment.size)
        return;
    l->bad++;
    l->changed = true;
    g->at = g->segment.size;
}

static void read_segment(struct ledger *l, struct reading *g)
{
    size_t before;

    places_find(l->txn, PLACES, g);
    before = g->at;
    while (!g->ended && !g->held && !l->failed && !is_full(l)) {
        struct buf text;

        buf_init(&text, 64 << 10);
        if (g->at < g->segment.size && !spool_read(l->spool, &g->segment, g->at, &text))
            l->failed = true;
        else if (!take_lines(l, g, buf_peek(&text)) && !g->held)
            g->ended = true;
        buf_clear(&text);
    }
    if (g->ended)
        skip_torn_line(l, g);
    if (g->at > before)
        keep(l, places_keep(l->txn, PLACES, g));
}

static void end_intent(struct ledger *l, struct span key)
{
    struct record_memory *memory;
    char seconds[24];
    struct record r;
    struct span line;
    bool whole = store_get(l->txn, INTENTS, key, &line) && record_read(line, &r, &memory);

    if (whole) {
        intents_end(&r);
        reception_join(l->txn, RECEPTIONS, &r);
        add_delivery(l, &r, seconds);
        record_forget(&memory);
    }
    l->bad += !whole;
    keep(l, store_drop(l->txn, INTENTS, key));
}

static void end_intents(struct ledger *l)
{
    bool look = l->started_anew || round_has_closed_delivery(&l->round);
    struct orphans o = {.count = 0};

    do {
        if (look)
            intents_find_orphans(l->txn, INTENTS, &l->round, &o);
        for (size_t i = 0; i < o.count; i++)
            end_intent(l, (struct span){o.key[i].text, o.key[i].len});
    } while (o.count > 0 && !is_full(l) && !l->failed);
    if (o.count == 0)
        l->stage = STAGE_OVER;
}

static void fill_batch(struct ledger *l)
{
    struct round *r = &l->round;

    if (!l->cleared)
        l->failed = !places_forget(l->txn, PLACES, &l->round, l->spool, &l->changed);
    l->cleared = true;
    while (l->stage == STAGE_READING && !is_full(l) && !l->failed) {
        if (r->now == r->count)
            l->stage = STAGE_ORPHANS;
        else
            read_segment(l, &r->readings[r->now]);
        if (r->now < r->count && (r->readings[r->now].ended || r->readings[r->now].held))
            r->now++;
    }
    if (l->stage == STAGE_ORPHANS && !l->failed) {
        l->failed = !intents_settle(l->intents, l->txn);
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
    bool ok = !l->failed;

    if (ok && !l->changed) {
        store_abort(&l->txn);
    } else {
        ok = ok && intents_settle(l->intents, l->txn);
        ok = ok && journal_begin(l->journal, l->txn) && sinks_keep(l->sinks, l->journal, l->txn);
        reception_forget(l->receptions, l->txn, RECEPTIONS, clock_now(), l->came, receptions_most);
        give_way(l);
        if (ok)
            ok = store_commit(&l->txn);
        else
            store_abort(&l->txn);
        journal_end(l->journal, ok);
    }
    l->hurries = is_full(l);
    sinks_forget(l->sinks);
    intents_forget(l->intents);
    if (!ok)
        return say_stuck(l, "the store cannot be written, or a segment not be read");
    l->stuck = false;
    if (l->bad > 0)
        log_say(LOG_FAULT, "", "spool-bad-lines", {"count", log_number((double)l->bad)},
                {"then", SPAN("left out")});
    if (l->changed)
        return l->stage == STAGE_OVER ? LEDGER_BUSY : LEDGER_MORE;
    if (journal_is_behind(l->journal))
        return LEDGER_BEHIND;
    return round_holds(&l->round) ? LEDGER_HOLDS : LEDGER_IDLE;
}

enum ledger_end ledger_gather(struct ledger *l)
{
    bool looked = l->stage == STAGE_OVER;
    enum ledger_end end;

    l->taken = l->bad = l->came = 0;
    l->changed = l->failed = false;
    sinks_begin(l->sinks);
    if (l->stage == STAGE_OVER) {
        if (!round_start(&l->round, l->spool))
            return say_stuck(l, "the spool cannot be read");
        l->stage = STAGE_READING;
        l->cleared = false;
    }
    l->txn = store_begin(l->store);
    if (!l->txn)
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
