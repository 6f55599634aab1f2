/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/batch.h"

#include "base/clock.h"
#include "tell/merge.h"

/* So long may a delivery be ahead of its reception: mail servers start to deliver before the
 * client has heard that they took the message. */
static const double patience = 0.5;

void batch_keep(struct batch *b, bool done)
{
    b->changed = true;
    b->failed = b->failed || !done;
}

/* `to` is for a number, as long as the record is used. */
static void add_delivery(struct batch *b, struct record *r, char to[24])
{
    reception_set_wait(r, to);
    batch_keep(b, sinks_add(b->sinks, r));
}

/* False: it has to wait. */
static bool take_delivery(struct batch *b, struct record *r)
{
    double age = clock_now() - r->at;
    bool joined = reception_join(b->txn, KIND_RECEPTIONS, r);
    char seconds[24];

    if (!joined && r->column[COLUMN_queueId].len > 0 && age >= 0 && age < patience)
        return false;
    add_delivery(b, r, seconds);
    return true;
}

/* Without its intent it is a row of what it says itself. */
static bool take_outcome(struct batch *b, const char *writer, struct record *r)
{
    struct record_memory *memory = NULL;
    struct record intent;
    struct span line;
    bool intended = intents_find(b->intents, b->txn, writer, r, &line), taken;
    bool whole = intended && record_read(line, &intent, &memory);

    if (whole)
        merge_intent(r, &intent);
    b->bad += intended && !whole;
    taken = take_delivery(b, r);
    if (taken && intended)
        batch_keep(b, intents_drop(b->intents, b->txn, writer, r));
    record_forget(&memory);
    return taken;
}

static bool take_record(struct batch *b, const char *writer, struct record *r, struct span line)
{
    switch (r->what) {
    case RECORD_RECEIVED:
        r->column[COLUMN_type] = SPAN("r");
        if (b->joins) {
            batch_keep(b, reception_keep(b->receptions, b->txn, KIND_RECEPTIONS, r));
            b->came++;
        }
        batch_keep(b, sinks_add(b->sinks, r));
        return true;
    case RECORD_INTENT:
        batch_keep(b, intents_keep(b->intents, b->txn, writer, r, line));
        return true;
    case RECORD_ROW:
        return take_delivery(b, r);
    case RECORD_OUTCOME:
        return take_outcome(b, writer, r);
    }
    return true;
}

bool batch_take(struct batch *b, const struct spool_segment *from, struct span line)
{
    struct record_memory *memory = NULL;
    struct record r;
    bool taken = true, kept = true;

    if (!from->received && intents_take(b->intents, b->txn, from->writer, line, &kept))
        batch_keep(b, kept);
    else if (from->received ? reception_read(b->receptions, line, &r, &memory)
                            : record_read(line, &r, &memory))
        taken = take_record(b, from->writer, &r, line);
    else
        b->bad++;
    record_forget(&memory);
    return taken;
}

void batch_end_intent(struct batch *b, struct span key)
{
    struct record_memory *memory;
    char seconds[24];
    struct record r;
    struct span line;
    bool whole = store_get(b->txn, KIND_INTENTS, key, &line) && record_read(line, &r, &memory);

    if (whole) {
        intents_end(&r);
        reception_join(b->txn, KIND_RECEPTIONS, &r);
        add_delivery(b, &r, seconds);
        record_forget(&memory);
    }
    b->bad += !whole;
    batch_keep(b, store_drop(b->txn, KIND_INTENTS, key));
}
