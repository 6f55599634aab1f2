/* SPDX-License-Identifier: Apache-2.0 */
#include "behind/visit.h"

#include <stdio.h>
#include <stdlib.h>

#include "behind/intro.h"
#include "behind/reach.h"
#include "net/watch.h"
#include "smtp/reply.h"

struct visit {
    struct visit_plan plan;
    visit_fn *fn;
    void *arg;
    struct conn conn;
    struct dial dial;
    struct watch watch;
    struct alarm alarm;
    struct guest who;
    enum intro intro;
    enum { VISIT_CONNECTS, VISIT_TALKS, VISIT_OVER } stage;
    struct span reply; /* to EHLO; borrowed from `dial` */
    char why[320];
};

static void finish(struct visit *v, const char *why, struct span said)
{
    int n = snprintf(v->why, sizeof v->why, "%s%s", why, said.len ? ": " : "");

    reply_flat(v->why + n, sizeof v->why - (size_t)n, said);
    v->stage = VISIT_OVER;
}

/* The owner hears of it at the end of the event: it may free us then. */
static void tell(struct visit *v)
{
    if (v->stage != VISIT_OVER)
        return;
    watch_want(&v->watch, -1, 0);
    alarm_stop(&v->alarm);
    v->fn(v->arg, v->reply, v->why);
}

/* Version 1 of the PROXY header needs addresses, also where a unix socket has none. */
static void introduce_ourselves(struct visit *v)
{
    v->who.listener = v->plan.server->at;
    if (conn_local(&v->conn, &v->who.client))
        return;
    (void)!addr_read_port(SPAN("127.0.0.1:25"), &v->who.client);
    v->who.listener = v->who.client;
}

static void connected(struct visit *v)
{
    v->stage = VISIT_TALKS;
    alarm_set(&v->alarm, (double)v->plan.backend->greeting_timeout);
    introduce_ourselves(v);
    if (!intro_begin(&v->intro, &v->dial, &v->who))
        finish(v, "our header does not fit", SPAN(""));
}

static void on_reply(struct visit *v, const struct heard *h)
{
    switch (intro_heard(&v->intro, &v->dial, &v->who, h)) {
    case INTRO_GOES_ON:
        return;
    case INTRO_DONE:
        v->reply = h->text;
        finish(v, "", SPAN(""));
        return;
    case INTRO_TURNED_AWAY:
        finish(v, "it does not greet us", h->text);
        return;
    case INTRO_NO_TLS:
        finish(v, "it does not begin TLS as it should", h->text);
        return;
    case INTRO_REFUSED:
        finish(v, "it refuses us", h->text);
        return;
    }
}

static void push(struct visit *v)
{
    struct span pieces[DIAL_PIECES];
    size_t len = 0, count = dial_pieces(&v->dial, SPAN(""), pieces);

    if (count > 0 && conn_write(&v->conn, pieces, count, &len) == CONN_FAILED)
        finish(v, v->conn.why, SPAN(""));
    dial_went(&v->dial, SPAN(""), len);
}

static void shake(struct visit *v)
{
    enum conn_got got;

    if (buf_len(&v->dial.out) > 0)
        return; /* what goes before TLS has not gone */
    got = reach_secure(&v->conn, v->plan.backend, v->plan.tls);
    if (got == CONN_LATER)
        return;
    if (got != CONN_SOME)
        finish(v, v->conn.why, SPAN(""));
    else if (!intro_secured(&v->intro, &v->dial, &v->who))
        finish(v, "it says something before TLS", SPAN(""));
}

static bool talks(const struct visit *v)
{
    return v->stage == VISIT_TALKS && v->intro != INTRO_SHAKING;
}

static void hear(struct visit *v)
{
    struct heard h;
    char *at;
    size_t len = 0, size = dial_space(&v->dial, &at);
    enum conn_got got = size ? conn_read(&v->conn, at, size, &len) : CONN_SOME;
    int said = 0;

    if (size)
        dial_grew(&v->dial, len);
    while (talks(v) && (said = dial_next(&v->dial, &h)) > 0)
        on_reply(v, &h);
    if (v->stage == VISIT_OVER)
        return;
    if (said < 0)
        finish(v, "what it says is not SMTP", buf_peek(&v->dial.in));
    else if (got >= CONN_OVER)
        finish(v, got == CONN_FAILED ? v->conn.why : "it closes the connection", SPAN(""));
}

/* Also what came together with the end of the handshake, which no socket announces. */
static void listen_to(struct visit *v)
{
    do {
        hear(v);
        if (v->stage == VISIT_TALKS)
            push(v);
    } while (talks(v) && conn_has_pending(&v->conn));
}

static unsigned needs(const struct visit *v)
{
    if (v->stage == VISIT_CONNECTS)
        return CONN_OUT;
    if (buf_len(&v->dial.out) > 0)
        return conn_is_secure(&v->conn) ? v->conn.needs : CONN_OUT;
    return conn_is_secure(&v->conn) && v->intro == INTRO_SHAKING ? v->conn.needs
                                                                 : conn_reads_on(&v->conn);
}

static void go_on(struct visit *v)
{
    enum conn_got got = v->stage == VISIT_CONNECTS ? conn_dialled(&v->conn) : CONN_SOME;

    if (got == CONN_LATER)
        return;
    if (got != CONN_SOME)
        finish(v, v->conn.why, SPAN(""));
    else if (v->stage == VISIT_CONNECTS)
        connected(v);
    if (v->stage == VISIT_TALKS)
        push(v);
    if (talks(v))
        listen_to(v);
    if (v->stage == VISIT_TALKS && v->intro == INTRO_SHAKING) {
        shake(v);
        if (talks(v))
            listen_to(v);
    }
}

static void on_ready(void *arg)
{
    struct visit *v = arg;

    go_on(v);
    if (v->stage != VISIT_OVER)
        watch_want(&v->watch, v->conn.fd, needs(v));
    tell(v);
}

static void on_late(void *arg)
{
    struct visit *v = arg;

    if (v->stage != VISIT_OVER)
        finish(v, "it takes too long", SPAN(""));
    tell(v);
}

static void begin(struct visit *v)
{
    enum conn_got got = reach_dial(&v->conn, v->plan.backend, v->plan.server);

    alarm_set(&v->alarm, (double)v->plan.backend->connect_timeout);
    if (got >= CONN_OVER) {
        finish(v, v->conn.why, SPAN(""));
        alarm_set(&v->alarm, 0); /* from the loop, as everything else */
        return;
    }
    watch_want(&v->watch, v->conn.fd, CONN_OUT);
}

struct visit *visit_new(struct event_base *base, const struct visit_plan *plan, visit_fn *fn,
                        void *arg)
{
    struct visit *v = calloc(1, sizeof *v);

    if (!v)
        return NULL;
    *v = (struct visit){.plan = *plan, .fn = fn, .arg = arg};
    v->who = (struct guest){.identity = plan->backend->identity,
                            .helo = plan->host_name,
                            .extended = true,
                            .session = "",
                            .use_tls = (enum backend_tls)plan->backend->use_tls,
                            .ourselves = true};
    conn_init(&v->conn, -1);
    dial_init(&v->dial);
    watch_init(&v->watch, base, on_ready, v);
    alarm_init(&v->alarm, base, on_late, v);
    begin(v);
    return v;
}

/* Whom we asked EHLO hears QUIT, if it goes at once. */
static void take_leave(struct visit *v)
{
    if (v->reply.len > 0 && dial_ask(&v->dial, 0, SPAN("QUIT\r\n")))
        push(v);
}

void visit_free(struct visit **at)
{
    struct visit *v = *at;

    if (!v)
        return;
    *at = NULL;
    take_leave(v);
    watch_want(&v->watch, -1, 0);
    alarm_stop(&v->alarm);
    conn_clear(&v->conn);
    dial_clear(&v->dial);
    free(v);
}
