/* SPDX-License-Identifier: Apache-2.0 */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "call.h"
#include "flow.h"
#include "net/head.h"
#include "phase.h"
#include "story.h"
#include "tell/log.h"
#include "tell/record.h"
#include "tell/reports.h"

/* Without a transaction, until a worker that drains says 421. */
enum { IDLE_SECONDS = 60 };

/* Fires at `alarm`, which may be before the deadline: on_limit() sorts that out. So most steps
 * need not touch the timer. */
static void set_alarm(struct session *s, double now)
{
    double until = s->busy ? now : s->deadline; /* busy: as soon as others had their turn */
    double left = until > now ? until - now : 0;
    struct timeval wait = {.tv_sec = (time_t)left};

    if (s->alarm > 0 && s->alarm <= until)
        return;
    wait.tv_usec = (suseconds_t)((left - (double)wait.tv_sec) * 1e6);
    s->alarm = until;
    event_add(&s->limit, &wait);
}

/* Is a message under way, be it between two of its chunks? */
static bool in_message(const struct session *s)
{
    return serve_awaits_message(&s->relay.client) || s->relay.chunks == CHUNKS_COME;
}

static void keep_pace(struct session *s, double now)
{
    double limit = phase_limit(s, PHASE_MESSAGE);

    if (s->paced)
        pace_go(&s->pace, limit, now - s->since, s->client.in);
    else if (!in_message(s))
        pace_begin(&s->pace, limit, s->client.in);
}

/* Seconds for what it does now. Between two chunks the time for a command holds as well. */
static double limit_of(const struct session *s)
{
    double limit = phase_limit(s, s->phase);

    if (s->phase == PHASE_MESSAGE || (s->paced && s->pace.left < limit))
        return s->pace.left;
    return limit;
}

/* The only place that sets a phase. */
static void enter(struct session *s, enum phase phase, double now)
{
    keep_pace(s, now);
    if (phase != s->phase && log_is_on(LOG_STEP))
        log_say(LOG_STEP, s->id.text, "phase", {"is", span_of(phase_doing(phase))});
    if (phase < PHASE_LAST_WORDS)
        s->did = phase;
    s->phase = phase;
    s->paced = phase == PHASE_MESSAGE || (phase == PHASE_TALK && in_message(s));
    s->mark = phase_progress(s);
    s->since = now;
    s->deadline = now + limit_of(s);
}

static void end(struct session *s)
{
    struct worker *w = s->gate->worker;
    unsigned granted = relay_give_back(&s->relay);

    if (relay_owes_pardon(&s->relay))
        slots_pardon(&w->slots, &s->relay.who, clock_mono());
    slots_leave(&w->slots, s->gate->listener, &s->relay.who, &s->slots);
    story_tell(s);
    if (granted)
        spool_release(w->spool, granted * (size_t)RECORD_MAX);
    event_del(&s->limit);
    commit_cancel(&s->pledge);
    call_hang_up(s);
    side_clear(&s->client);
    relay_clear(&s->relay);
    buf_clear(&s->head);
    free(s->tls);
    LIST_REMOVE(s, link);
    turn_leave(&s->turn);
    w->count--;
    free(s);
    worker_left(w);
}

static void on_ready(int fd, short events, void *session);

static bool talks(const struct session *s)
{
    return s->phase == PHASE_TALK || s->phase == PHASE_MESSAGE || s->phase == PHASE_ANSWER;
}

static short to_read(const struct conn *c)
{
    return conn_reads_on(c) == CONN_OUT ? EV_WRITE : EV_READ;
}

static short client_events(const struct session *s)
{
    const struct conn *c = &s->client.conn;
    bool says = flow_has_more_for_client(s);
    short events = 0;

    if (!side_is_open(&s->client))
        return 0;
    if (s->phase == PHASE_HEAD)
        return EV_READ;
    if (s->phase == PHASE_SHAKE && (conn_is_secure(c) || !says))
        return conn_is_secure(c) && (c->needs & CONN_OUT) ? EV_WRITE : EV_READ;
    if (says)
        events |= conn_is_secure(c) && c->needs == CONN_IN ? EV_READ : EV_WRITE;
    if ((talks(s) && !s->ended && buf_room(&s->relay.client.in) > 0) || s->finished)
        events |= to_read(c);
    return events;
}

static short backend_events(const struct session *s)
{
    short events = 0;

    if (!side_is_open(&s->backend) || s->phase == PHASE_RECORD)
        return 0;
    if (s->phase == PHASE_CONNECT)
        return EV_WRITE;
    if (s->phase == PHASE_SECURE && conn_is_secure(&s->backend.conn))
        return (s->backend.conn.needs & CONN_OUT) ? EV_WRITE : EV_READ;
    if (flow_has_more(s))
        events |= conn_is_secure(&s->backend.conn) && s->backend.conn.needs == CONN_IN ? EV_READ
                                                                                       : EV_WRITE;
    if (s->phase == PHASE_LAST_WORDS || (talks(s) && buf_room(&s->relay.backend.in) > 0))
        events |= to_read(&s->backend.conn);
    return events;
}

/* What the loop should wake us for follows from what we hold; nobody else asks it. */
static void plan(struct session *s)
{
    struct event_base *base = s->gate->worker->base;

    serve_settle(&s->relay.client);
    dial_settle(&s->relay.backend);
    side_watch(&s->client, base, client_events(s), on_ready, s);
    side_watch(&s->backend, base, backend_events(s), on_ready, s);
}

static void tell_reported(struct session *s)
{
    unsigned fresh = s->relay.reported.rules & ~s->told;

    if (fresh)
        reports_tell(s->id.text, &s->relay.rule, fresh);
    s->told |= fresh;
}

/* In these phases little is read and said at a time, and soon. */
static bool takes_turns(enum phase phase)
{
    return phase_step(phase) == phase_step(PHASE_TALK);
}

/* False: some of it still waits for a socket, or never goes. */
MUST static bool uncork(struct session *s)
{
    bool client = !side_is_open(&s->client) || conn_uncork(&s->client.conn) == CONN_SOME;
    bool backend = !side_is_open(&s->backend) || conn_uncork(&s->backend.conn) == CONN_SOME;

    return client && backend;
}

/* False: it is over. */
static bool step(struct session *s)
{
    double now = clock_mono();
    enum phase before, after = s->phase;

    s->busy = false;
    do {
        before = after;
        after = phase_step(before)(s);
        if (!takes_turns(after))
            (void)!uncork(s);
        if (after != before || s->mark != phase_progress(s))
            enter(s, after, now);
    } while (phase_step(after) != phase_step(before));

    tell_reported(s);
    if (after == PHASE_OVER) {
        end(s);
        return false;
    }
    plan(s);
    set_alarm(s, now);
    return true;
}

void session_step(struct session *s)
{
    (void)step(s);
}

/* What has come, and waits for its turn: before it is judged what did not come. False: it is over.
 */
static bool hear_out(struct session *s)
{
    return !turn_leave(&s->turn) || step(s);
}

enum { CACHE_LINE = 64 }; /* bytes; where it is another, it is only less of use */

/* A step looks at nearly all of it but the event at its end. With a hundred sessions at work and
 * more nothing of one is in the processor's cache when its turn comes, and line after line would be
 * waited for: with a thousand a message costs 4 us of 90 less so. */
static void warm(const struct session *s)
{
    for (size_t at = 0; at < offsetof(struct session, limit); at += CACHE_LINE)
        __builtin_prefetch((const char *)s + at, 1);
}

static void on_ready(int fd, short events, void *session)
{
    struct session *s = session;

    warm(s);

    struct side *side = fd == s->client.conn.fd ? &s->client : &s->backend;

    side->sated = false;
    if (!takes_turns(s->phase)) {
        turn_leave(&s->turn); /* else it may be over when the others have had theirs */
        if (s->phase == PHASE_SHAKE)
            turn_take(&s->gate->worker->turn);
        session_step(s);
        return;
    }
    if (events & EV_READ)
        conn_fetch(&side->conn);
    turn_join(&s->gate->worker->turn, &s->turn);
}

static struct session *session_of(struct turn_place *p)
{
    return (struct session *)((char *)p - offsetof(struct session, turn));
}

static void turn_cork(struct turn_place *p)
{
    struct session *s = session_of(p);

    if (!takes_turns(s->phase)) /* any more */
        return;
    conn_cork(&s->client.conn);
    conn_cork(&s->backend.conn);
}

static void turn_step(struct turn_place *p)
{
    session_step(session_of(p));
}

static bool turn_uncork(struct turn_place *p)
{
    return uncork(session_of(p));
}

const struct turn_faces session_faces = {
    .cork = turn_cork, .step = turn_step, .uncork = turn_uncork};

static void on_limit(int fd, short events, void *session)
{
    struct session *s = session;
    double now = clock_mono();

    (void)fd;
    (void)events;
    s->alarm = 0;
    if (!hear_out(s))
        return;
    if (now >= s->deadline && s->phase == PHASE_MESSAGE)
        enter(s, PHASE_MESSAGE, now); /* what came since may have brought time */
    if (now >= s->deadline)
        enter(s, phase_time_out(s), now);
    session_step(s);
}

/* From here the rules for this client hold. */
static void know(struct session *s, const struct addr *client, const struct addr *at)
{
    const struct gate *gate = s->gate;
    struct source rule;

    sources_find(gate->worker->settings->sources, client, gate->listener->source, &rule);
    relay_init(&s->relay, &gate->house, &rule, client, at, s->id.text);
}

/* `421`, where there is no TLS to come first. */
static enum phase turn_away(struct session *s, enum reason why)
{
    char no[512];
    int n = snprintf(no, sizeof no, "421 4.7.0 %.255s %s\r\n", s->gate->house.host_name,
                     slots_refusal(why));

    relay_end(&s->relay, why, (struct span){no, (size_t)n});
    return s->gate->listener->tls ? PHASE_OVER : PHASE_LAST_WORDS;
}

/* The client may speak, if it may be here. */
static enum phase open_up(struct session *s)
{
    const struct slots *slots = &s->gate->worker->slots;
    enum reason why = slots_admit(slots, &s->relay.rule, &s->relay.who, &s->slots, clock_mono());

    if (why != REASON_NOT_YET)
        return turn_away(s, why);
    if (s->gate->listener->tls)
        return PHASE_SHAKE;
    relay_greet(&s->relay, NULL);
    return PHASE_TALK;
}

enum phase session_introduce(struct session *s, const struct addr *client, const struct addr *at)
{
    know(s, client, at);
    s->relay.tlvs = buf_peek(&s->head);
    return open_up(s);
}

void session_start(struct gate *gate, int fd, const struct addr *client, unsigned slots)
{
    struct session *s = calloc(1, sizeof *s);
    struct worker *w = gate->worker;
    struct addr where;
    bool is_balancer = networks_has(&gate->listener->proxy_protocol_from, client);

    if (!s) {
        slots_leave(&w->slots, gate->listener, NULL, &slots);
        close(fd);
        return;
    }
    s->gate = gate;
    s->slots = slots;
    s->did = PHASE_TALK;
    s->id = id_next();
    side_init(&s->client, fd);
    side_init(&s->backend, -1);
    s->client.sated = !is_balancer; /* it has only just come; the loop says when it speaks */
    if (!conn_local(&s->client.conn, &where))
        where = gate->listener->at;
    buf_init(&s->head, HEAD_MAX_IN);
    know(s, client, &where);
    if (is_balancer)
        s->via = *client;
    event_assign(&s->limit, w->base, -1, 0, on_limit, s);
    LIST_INSERT_HEAD(&w->sessions, s, link);
    w->count++;
    s->began = clock_mono();
    enter(s, is_balancer ? PHASE_HEAD : open_up(s), s->began);
    session_step(s);
}

void sessions_drain(struct worker *w, double now)
{
    struct session *next;

    for (struct session *s = LIST_FIRST(&w->sessions); s; s = next) {
        next = LIST_NEXT(s, link);
        if (!hear_out(s) || s->phase != PHASE_TALK || !relay_is_idle(&s->relay) ||
            now - s->since < IDLE_SECONDS)
            continue;
        relay_end(&s->relay, REASON_DRAINED,
                  SPAN("421 4.3.2 Going down for a moment, come again\r\n"));
        session_step(s);
    }
}
