/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/session.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/head.h"
#include "proxy-out/admit.h"
#include "proxy-out/flow.h"
#include "tell/log.h"

enum {
    HEAD_SECONDS = 5,      /* for a PROXY header, with a packet lost on the way */
    TALK_SECONDS = 300,    /* for the client's next command (RFC 5321, 4.5.3.2.7) */
    MESSAGE_SECONDS = 180, /* for more of a message */
    SERVERS_SECONDS = 900, /* servers have their own limits; this is the net below those */
    IDLE_SECONDS = 5,      /* without a word, until a worker that drains says 421; */
    STUCK_SECONDS = 15,    /* and within a transaction */
    RECORD_SECONDS = 60,   /* for the disk; commit.h has its own limit */
    LAST_SECONDS = 5,      /* for what is still to be said at the end */
    PROGRESS = 12,         /* a message moves on with each 4 KB: dripping is no progress */
};

/* Thousands idle: what only a transaction needs, such as its lanes, is made for that. */
_Static_assert(sizeof(struct session) <= 6144, "an idle session is small");

static const char *const doing[] = {
    [PHASE_HEAD] = "waiting for a PROXY header",
    [PHASE_TALK] = "waiting for a command",
    [PHASE_MESSAGE] = "hearing a message",
    [PHASE_SERVERS] = "waiting for servers",
    [PHASE_RECORD] = "waiting for the disk",
    [PHASE_LAST_WORDS] = "saying goodbye",
    [PHASE_OVER] = "",
};

const char *phase_doing(enum phase phase)
{
    return doing[phase];
}

static unsigned long limit_of(const struct session *s)
{
    const struct seek *k = s->holds ? s->hold[0]->seek : NULL;

    switch (s->phase) {
    case PHASE_HEAD:
        return HEAD_SECONDS;
    case PHASE_TALK:
        return TALK_SECONDS;
    case PHASE_MESSAGE:
        return k ? k->rule->data_send_timeout : MESSAGE_SECONDS;
    case PHASE_SERVERS:
        return SERVERS_SECONDS;
    case PHASE_RECORD:
        return RECORD_SECONDS;
    case PHASE_LAST_WORDS:
    case PHASE_OVER:
        break;
    }
    return LAST_SECONDS;
}

static uint64_t progress(const struct session *s)
{
    uint64_t sum = s->in >> PROGRESS;

    if (s->phase == PHASE_TALK)
        return s->relay.client.next + s->relay.told;
    if (s->phase != PHASE_SERVERS)
        return sum;
    for (unsigned i = 0; i < s->holds; i++)
        sum += s->hold[i]->mark;
    return sum + s->relay.client.first; /* who is answered: then it may be another's turn */
}

static void set_deadline(struct session *s)
{
    s->mark = progress(s);
    s->since = clock_mono();
    s->deadline = s->since + (double)limit_of(s);
}

/* For whoever's time is up first. Where it fires too early, on_alarm() sorts out the rest. */
static void set_alarm(struct session *s)
{
    double due = s->deadline;

    for (unsigned i = 0; i < s->holds; i++)
        if (s->hold[i]->deadline > 0 && s->hold[i]->deadline < due)
            due = s->hold[i]->deadline;
    if (s->alarm_at > 0 && s->alarm_at <= due)
        return;
    s->alarm_at = due;
    due -= clock_mono();
    alarm_set(&s->alarm, due > 0 ? due : 0);
}

static void enter(struct session *s, enum phase phase)
{
    bool same = phase == s->phase;

    s->phase = phase;
    if (!same || s->mark != progress(s))
        set_deadline(s);
}

/* What the loop should wake us for follows from what we hold; nobody else asks it. */
static void plan(struct session *s)
{
    struct relay *r = &s->relay;
    bool hears = !s->ended && (s->phase == PHASE_HEAD         ? true
                               : s->phase == PHASE_LAST_WORDS ? s->finished
                                                              : buf_room(&r->client.in) > 0);
    bool says = flow_has_more(s) && !s->gone;

    serve_settle(&r->client);
    watch_want(&s->watch, s->conn.fd, (hears ? CONN_IN : 0) | (says ? CONN_OUT : 0));
    for (unsigned i = 0; i < s->holds; i++)
        hold_plan(s->hold[i]);
}

/* The one end of a session. What was due is in the spool, or never left. */
static void session_end(struct session *s)
{
    struct worker *w = s->worker;

    turn_leave(&s->turn);
    (void)!conn_uncork(&s->conn); /* before the memo asks whether it was heard */
    watch_want(&s->watch, -1, 0);
    alarm_stop(&s->alarm);
    alarm_stop(&s->again);
    for (unsigned i = 0; i < s->holds; i++)
        hold_free(&s->hold[i]);
    if (w->spool)
        spool_release(w->spool, s->relay.reserved + s->relay.spare);
    memo_clear(s);
    if (s->phase < PHASE_LAST_WORDS)
        s->did = s->phase;
    if (s->why == REASON_NOT_YET) /* it heard its last, and did not close in time */
        s->why = s->relay.quit ? REASON_QUIT : REASON_FOREIGN;
    story_tell(s);
    free(s->story);
    relay_clear(&s->relay);
    buf_clear(&s->head);
    conn_clear(&s->conn);
    LIST_REMOVE(s, link);
    w->count--;
    free(s);
    worker_left(w);
}

/* False: it is over. */
static bool step(struct session *s)
{
    enum phase next = s->phase == PHASE_HEAD ? admit_hear(s) : s->phase;

    if (next < PHASE_LAST_WORDS && next != PHASE_HEAD)
        next = flow_talk(s);
    if (next == PHASE_LAST_WORDS) {
        (void)!conn_uncork(&s->conn); /* the end waits until all has gone */
        next = flow_last_words(s);
    }
    if (next == PHASE_OVER) {
        session_end(s);
        return false;
    }
    enter(s, next);
    plan(s);
    set_alarm(s);
    return true;
}

void session_step(void *arg)
{
    (void)step(arg);
}

/* What has come, and waits for its turn: before it is judged what did not come. False: it is over.
 */
static bool hear_out(struct session *s)
{
    return !turn_leave(&s->turn) || step(s);
}

void session_ready(void *arg)
{
    struct session *s = arg;

    turn_join(&s->worker->turn, &s->turn);
}

static void on_client(void *arg)
{
    struct session *s = arg;

    s->sated = false;
    if (s->phase == PHASE_HEAD || s->phase == PHASE_LAST_WORDS) {
        step(s);
        return;
    }
    if (s->watch.needs & CONN_IN)
        conn_fetch(&s->conn);
    session_ready(s);
}

static struct session *session_of(struct turn_place *p)
{
    return (struct session *)((char *)p - offsetof(struct session, turn));
}

static void turn_cork(struct turn_place *p)
{
    struct session *s = session_of(p);

    conn_cork(&s->conn);
    for (unsigned i = 0; i < s->holds; i++)
        hold_cork(s->hold[i]);
}

static void turn_step(struct turn_place *p)
{
    step(session_of(p));
}

static bool turn_uncork(struct turn_place *p)
{
    struct session *s = session_of(p);
    bool all = conn_uncork(&s->conn) == CONN_SOME;

    if (!all)
        memo_unsaid(s);
    for (unsigned i = 0; i < s->holds; i++)
        all = hold_uncork(s->hold[i]) && all;
    return all;
}

const struct turn_faces session_faces = {
    .cork = turn_cork, .step = turn_step, .uncork = turn_uncork};

static bool give_up_lanes(struct session *s, double now)
{
    bool any = false;

    for (unsigned i = 0; i < s->holds; i++)
        any = hold_give_up(s->hold[i], now) || any;
    return any;
}

static void on_alarm(void *arg)
{
    struct session *s = arg;
    double now = clock_mono();

    s->alarm_at = 0;
    if (!hear_out(s))
        return;
    if (give_up_lanes(s, now)) {
        step(s);
        return;
    }
    if (now < s->deadline) {
        set_alarm(s);
        return;
    }
    if (s->phase == PHASE_LAST_WORDS) {
        session_end(s);
        return;
    }
    if (s->phase == PHASE_HEAD) {
        admit_late(s);
        session_end(s);
        return;
    }
    s->why = REASON_TIMED_OUT;
    s->did = s->phase;
    log_say(LOG_SESSION, s->id.text, "timed-out", {"doing", span_of(doing[s->phase])});
    relay_say_goodbye(&s->relay, SPAN("421 4.4.2 Timeout\r\n"));
    s->phase = PHASE_LAST_WORDS;
    step(s);
}

void session_start(struct worker *w, const struct relay_listener *listener, int fd,
                   const struct addr *client)
{
    struct session *s = calloc(1, sizeof *s);

    if (!s) { /* nothing is there to say it with */
        log_say(LOG_FAULT, "", "no-memory", {"then", SPAN("a mail server's connection is closed")});
        close(fd);
        return;
    }
    w->count++;
    s->began = clock_mono();
    s->worker = w;
    s->listener = listener;
    s->id = id_next();
    s->at = *client;
    s->lmtp = listener->protocol == RELAY_LMTP;
    conn_init(&s->conn, fd);
    watch_init(&s->watch, w->base, on_client, s);
    alarm_init(&s->alarm, w->base, on_alarm, s);
    alarm_init(&s->again, w->base, session_step, s);
    buf_init(&s->head, HEAD_MAX_IN);
    LIST_INSERT_HEAD(&w->sessions, s, link);
    s->phase = admit_start(s, listener);
    set_deadline(s);
    step(s);
}

/* One that has just said something is about to say more, and would take a 421 for the answer. */
static bool is_idle(const struct session *s, double now)
{
    return s->phase == PHASE_TALK && !s->relay.quit &&
           now - s->since >= (s->relay.t.open ? STUCK_SECONDS : IDLE_SECONDS);
}

void sessions_drain(struct worker *w)
{
    double now = clock_mono();
    struct session *next;

    for (struct session *s = LIST_FIRST(&w->sessions); s; s = next) {
        next = LIST_NEXT(s, link);
        if (!hear_out(s) || !is_idle(s, now))
            continue;
        s->why = REASON_DRAINED;
        relay_say_goodbye(&s->relay, SPAN("421 4.3.2 Restarting\r\n"));
        s->phase = PHASE_LAST_WORDS;
        step(s);
    }
}
