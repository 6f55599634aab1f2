/* SPDX-License-Identifier: Apache-2.0 */
#include "phase.h"

#include <stdlib.h>

#include "base/clock.h"
#include "balancer.h"
#include "call.h"
#include "flow.h"
#include "secure.h"
#include "wish.h"

enum {
    RECORD_SECONDS = 60, /* for the disk; commit.h has its own limit */
    HEAD_SECONDS = 5,    /* for the header of a load balancer, with a packet lost on the way */
    ROUNDS = 8,          /* of a step: then others have their turn, */
    BURST = 128 << 10,   /* as after so many bytes, in and out: without it small messages beside
                            large ones had a p99 that was 2.3 times as high */
    PROGRESS = 12,       /* as a shift: 4 KB of a message are progress */
    LAST_SECONDS = 5,    /* for what is still to be said at the end */
    LINGER_SECONDS = 2,  /* for the other side to hear it and close */
};

static const struct backend *backend_of(const struct session *s)
{
    return s->gate->station->backend;
}

/* Who has somewhere else to go does not wait for long, nor does anybody for one that is dead. */
static double patience(const struct session *s, unsigned long seconds)
{
    unsigned long most = backend_of(s)->greeting_timeout;
    bool shortly = s->relay.stage == STAGE_INTRO && s->server &&
                   (s->relay.spare || s->server->health != HEALTH_ALIVE);

    return (double)(shortly && most < seconds ? most : seconds);
}

double phase_limit(const struct session *s, enum phase phase)
{
    const struct source *rule = &s->relay.rule;

    switch (phase) {
    case PHASE_HEAD:
        return HEAD_SECONDS;
    case PHASE_SHAKE:
        return (double)s->gate->worker->settings->global.tls_handshake_timeout;
    case PHASE_CONNECT:
        return (double)backend_of(s)->connect_timeout;
    case PHASE_SECURE:
        return patience(s, s->gate->worker->settings->global.tls_handshake_timeout);
    case PHASE_TALK:
        return (double)rule->smtp_command_timeout;
    case PHASE_MESSAGE:
        return (double)rule->smtp_data_timeout;
    case PHASE_ANSWER: /* RFC 5321, 4.5.3.2.6: the message has twice the time of anything else */
        return patience(s, backend_of(s)->reply_timeout << relay_awaits_outcome(&s->relay));
    case PHASE_RECORD:
        return RECORD_SECONDS;
    case PHASE_LAST_WORDS:
        return s->finished ? LINGER_SECONDS : LAST_SECONDS;
    case PHASE_OVER:
        break;
    }
    return 0;
}

uint64_t phase_progress(const struct session *s)
{
    switch (s->phase) {
    case PHASE_TALK:
        return s->relay.client.next;
    case PHASE_MESSAGE:
        return s->relay.client.received >> PROGRESS;
    case PHASE_ANSWER:
        return s->relay.backend.first + (s->backend.out >> PROGRESS) +
               relay_awaits_outcome(&s->relay);
    case PHASE_LAST_WORDS:
        return s->finished;
    case PHASE_HEAD:
    case PHASE_SHAKE:
    case PHASE_CONNECT:
    case PHASE_SECURE:
    case PHASE_RECORD:
    case PHASE_OVER:
        break;
    }
    return 0;
}

static void connected(struct session *s, enum conn_got got)
{
    if (got == CONN_SOME)
        relay_connected(&s->relay);
    else
        call_lost(s, REASON_CONNECT, s->backend.conn.why);
}

static enum phase dial_on(struct session *s)
{
    enum conn_got got = call_on(s);
    size_t moved = 0;

    flow_push_client(s, &moved); /* the loop wakes us for it */
    if (got == CONN_LATER)
        return PHASE_CONNECT;
    connected(s, got);
    return PHASE_TALK;
}

/* What goes before TLS goes out in the clear; only then is the socket TLS's. */
static enum phase secure(struct session *s)
{
    size_t moved = 0;
    enum conn_got got;

    flow_push_client(s, &moved); /* the loop wakes us for it */
    flow_push_backend(s, &moved);
    if (relay_shakes_backend(&s->relay) && flow_has_more(s))
        return PHASE_SECURE;
    got = relay_shakes_backend(&s->relay) ? call_secure(s) : CONN_SOME;
    if (got == CONN_LATER)
        return PHASE_SECURE;
    if (got != CONN_SOME)
        call_lost(s, REASON_BACKEND_TLS, s->backend.conn.why);
    else if (relay_shakes_backend(&s->relay))
        relay_backend_secured(&s->relay);
    s->backend.sated = false;
    return PHASE_TALK;
}

static void drop(struct session *s)
{
    size_t moved = 0;

    s->moves += s->relay.stage == STAGE_GONE;
    flow_push_backend(s, &moved); /* QUIT, if it goes */
    call_hang_up(s);
    relay_dropped(&s->relay);
}

/* Whose turn is it, when nothing moves? */
static enum phase waiting(struct session *s)
{
    const struct relay *r = &s->relay;

    if (pledge_waits(&s->pledge))
        return PHASE_RECORD;
    /* Nobody is there to hear an answer; only what becomes of a message must be known. */
    if (s->ended && !side_is_open(&s->client) && !relay_awaits_outcome(r)) {
        s->relay.why = REASON_CLIENT_FAILED;
        return PHASE_OVER;
    }
    if (relay_awaits_backend(r) || flow_has_more(s))
        return PHASE_ANSWER;
    if (s->ended) /* what waits for the end of the turn would be lost with the session */
        (void)!conn_uncork(&s->client.conn);
    if (s->ended && !flow_has_more_for_client(s)) {
        s->relay.why = REASON_CLIENT_LEFT;
        return PHASE_OVER;
    }
    return serve_awaits_message(&r->client) ? PHASE_MESSAGE : PHASE_TALK;
}

/* What is answered to the message lies in the backend's buffer meanwhile: nothing more comes in
 * before that is said. */
static enum phase record(struct session *s)
{
    size_t moved = 0;

    flow_push_client(s, &moved);
    return PHASE_RECORD;
}

/* Both have said all that was there, all of it went on, and nothing was held back for want of room:
 * nearly every event ends so, and another round, which would find nothing to do, took a tenth of
 * our own instructions. Where it is not plain to see, there is another round. */
static bool is_settled(const struct session *s, enum relay_wish wish)
{
    const struct relay *r = &s->relay;

    return wish == RELAY_WAIT && r->stage == STAGE_OPEN && !s->ended && s->client.sated &&
           s->backend.sated && !r->held_arg && r->client.hear != HEAR_CHUNK &&
           buf_len(&r->client.in) == r->client.lent && buf_len(&r->backend.in) == r->backend.lent &&
           !flow_has_more_for_client(s) && !flow_has_more(s);
}

/* Rounds of everything until nothing moves: room made at the end of a round is used by the
 * next. What one round made leaves in one write. */
static enum phase talk(struct session *s)
{
    size_t all = 0;

    for (unsigned round = 0; round < ROUNDS && all < BURST; round++) {
        size_t moved = 0;

        if (pledge_waits(&s->pledge))
            return record(s);
        flow_pull_client(s, &moved);
        flow_pull_backend(s, &moved);

        enum relay_wish wish = wish_turn(s);

        if (s->spoke == 0 && s->relay.client.next > 1) /* 0 is the greeting */
            s->spoke = (float)(clock_mono() - s->began);
        if (wish == RELAY_CLOSE)
            return PHASE_LAST_WORDS;
        flow_push_backend(s, &moved);
        if (wish == RELAY_START_TLS)
            return PHASE_SHAKE;
        if (wish == RELAY_SECURE)
            return PHASE_SECURE;
        flow_push_client(s, &moved);
        all += moved;
        if (wish == RELAY_CONNECT) {
            enum conn_got got = call_begin(s);

            if (got == CONN_LATER)
                return PHASE_CONNECT;
            connected(s, got);
        } else if (wish == RELAY_DROP) {
            drop(s);
        } else if (moved == 0 || is_settled(s, wish)) {
            return waiting(s);
        }
    }
    s->busy = true;
    return waiting(s);
}

/* The backend hears QUIT where that was its turn; else it is simply gone, above all inside of a
 * message: never a dot of ours. */
static void leave_backend(struct session *s)
{
    size_t moved = 0;

    if (s->relay.stage != STAGE_LEAVING || !side_is_open(&s->backend)) {
        call_hang_up(s);
        return;
    }
    flow_push_backend(s, &moved);
    if (moved > 0 && !flow_has_more(s)) /* it has only just heard: its answer is still to come */
        return;
    if (!conn_discard(&s->backend.conn))
        call_hang_up(s);
}

/* Does it wait for our goodbye, and has it heard all else? Who says QUIT behind other commands, or
 * speaks on, may not have; and what still comes when we have closed resets the connection, be it
 * only a close_notify: what the kernel then holds for who reads slowly is gone. */
static bool awaits_goodbye(const struct session *s)
{
    struct span rest = buf_peek(&s->relay.client.out);

    (void)span_cut(&rest, '\n');
    return s->relay.why == REASON_QUIT && !s->finished && rest.len == 0 &&
           conn_is_heard(&s->client.conn);
}

static void leave_client(struct session *s)
{
    bool leaves = s->ended || awaits_goodbye(s);
    size_t moved = 0;

    conn_leave(&s->client.conn);
    flow_push_client(s, &moved);
    if (!side_is_open(&s->client) || flow_has_more_for_client(s))
        return;

    /* To close on what was not read would reset the connection, and our words with it. */
    if (!leaves && !s->finished)
        conn_finish(&s->client.conn);
    s->finished = true;
    if (leaves || !conn_discard(&s->client.conn))
        side_clear(&s->client);
}

/* First what the client still has to hear: it waits. */
static enum phase last_words(struct session *s)
{
    leave_client(s);
    leave_backend(s);
    return side_is_open(&s->client) || side_is_open(&s->backend) ? PHASE_LAST_WORDS : PHASE_OVER;
}

static enum phase over(struct session *s)
{
    (void)s;
    return PHASE_OVER;
}

static const struct {
    const char *doing;
    phase_fn *step;
} phases[] = {
    [PHASE_HEAD] = {"waiting for the load balancer's header", balancer_step},
    [PHASE_SHAKE] = {"shaking hands", secure_client},
    [PHASE_CONNECT] = {"connecting to the backend", dial_on},
    [PHASE_SECURE] = {"shaking hands with the backend", secure},
    [PHASE_TALK] = {"waiting for a command", talk},
    [PHASE_MESSAGE] = {"hearing a message", talk},
    [PHASE_ANSWER] = {"waiting for the backend", talk},
    [PHASE_RECORD] = {"waiting for the disk", talk},
    [PHASE_LAST_WORDS] = {"saying goodbye", last_words},
    [PHASE_OVER] = {"nothing", over},
};

phase_fn *phase_step(enum phase phase)
{
    return phases[phase].step;
}

const char *phase_doing(enum phase phase)
{
    return phases[phase].doing;
}

/* The backend takes too long: another may not. */
static enum phase give_up(struct session *s, enum reason why, const char *broke)
{
    call_lost(s, why, broke);
    return s->relay.why == REASON_NOT_YET ? PHASE_TALK : PHASE_LAST_WORDS;
}

enum phase phase_time_out(struct session *s)
{
    switch (s->phase) {
    case PHASE_HEAD:
    case PHASE_SHAKE:
        s->relay.why = REASON_TIMED_OUT;
        return PHASE_OVER;
    case PHASE_CONNECT:
        return give_up(s, REASON_CONNECT, "it takes too long");
    case PHASE_SECURE:
        return give_up(s, REASON_BACKEND_TLS, "the handshake takes too long");
    case PHASE_ANSWER:
        return give_up(s, REASON_BACKEND_SLOW, NULL);
    case PHASE_TALK:
    case PHASE_MESSAGE:
    case PHASE_RECORD:
        relay_end(&s->relay, REASON_TIMED_OUT, SPAN("421 4.4.2 Timeout, closing\r\n"));
        return PHASE_LAST_WORDS;
    case PHASE_LAST_WORDS:
    case PHASE_OVER:
        break;
    }
    return PHASE_OVER;
}
