/* SPDX-License-Identifier: Apache-2.0 */
#include "wish.h"

#include "base/clock.h"
#include "receipt.h"
#include "tell/log.h"
#include "tell/record.h"

static void learn(struct session *s)
{
    struct station *at = s->gate->station;

    if (station_heard(at, s->server, span_of(s->relay.live), clock_mono()))
        log_say(LOG_LIFE, s->id.text, "offers-vary", {"backend", span_of(at->backend->head.title)},
                {"server", span_of(s->server->at->text)},
                {"what", SPAN("not all clients are offered the same, so each EHLO asks it")});
    s->broke = NULL;
}

/* The mail server has the message, so the client hears 250 all the same: else it came twice. */
static void on_kept(void *arg, bool kept)
{
    struct session *s = arg;

    if (!kept)
        log_say(LOG_FAULT, s->id.text, "not-recorded",
                {"why", SPAN("the records did not reach the disk")});
    relay_recorded(&s->relay);
    session_step(s);
}

/* False: it waits for the disk. */
static bool record(struct session *s)
{
    struct worker *w = s->gate->worker;

    if (!receipt_spool(w->receipts, &s->relay, clock_now()))
        log_say(LOG_FAULT, s->id.text, "not-recorded", {"why", SPAN("the spool took no record")});
    if (w->commit)
        commit_ask(w->commit, &s->pledge, on_kept, s);
    else
        relay_recorded(&s->relay);
    return !w->commit;
}

/* What takes no more than memory and disk; false: it takes more. */
static bool comply(struct session *s, enum relay_wish wish)
{
    const struct slots *slots = &s->gate->worker->slots;
    struct relay *r = &s->relay;

    switch (wish) {
    case RELAY_RECORD:
        return record(s);
    case RELAY_TRACE:
        relay_trace(&s->relay, clock_now());
        return true;
    case RELAY_LEARN:
        learn(s);
        return true;
    case RELAY_LOGIN:
        relay_may_log_in(r, slots_try_login(slots, &r->rule, &r->who, clock_mono()));
        return true;
    case RELAY_PARDON:
        slots_pardon(slots, &r->who, clock_mono());
        relay_pardoned(r);
        return true;
    case RELAY_WAIT:
    case RELAY_CONNECT:
    case RELAY_SECURE:
    case RELAY_DROP:
    case RELAY_START_TLS:
    case RELAY_CLOSE:
        break;
    }
    return false;
}

enum relay_wish wish_turn(struct session *s)
{
    struct spool *spool = s->gate->worker->spool;
    enum relay_wish wish;

    do {
        wish = relay_turn(&s->relay);
    } while (comply(s, wish));

    unsigned back = relay_give_back(&s->relay);

    if (back)
        spool_release(spool, back * (size_t)RECORD_MAX);
    return wish;
}
