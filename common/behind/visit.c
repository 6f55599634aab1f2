/* SPDX-License-Identifier: Apache-2.0 */
#include "behind/visit.h"

#include <stdio.h>
#include <stdlib.h>

#include "behind/intro.h"
#include "smtp/reply.h"

struct visit {
    visit_fn *fn;
    void *arg;
    struct wire wire;
    struct dial dial;
    struct alarm alarm;
    struct guest who;
    enum intro intro;
    bool over;
    struct span reply; /* to EHLO; borrowed from `dial` */
    char why[320];
};

static void finish(struct visit *v, const char *why, struct span said)
{
    int n = snprintf(v->why, sizeof v->why, "%s%s", why, said.len ? ": " : "");

    reply_flat(v->why + n, sizeof v->why - (size_t)n, said);
    v->over = true;
}

/* The owner hears of it at the end of the event: it may free us then. */
static void tell(struct visit *v)
{
    alarm_stop(&v->alarm);
    v->fn(v->arg, v->reply, v->why);
}

/* Version 1 of the PROXY header needs addresses, also where a unix socket has none. */
static void introduce_ourselves(struct visit *v)
{
    v->who.listener = v->wire.plan.server->at;
    if (conn_local(&v->wire.conn, &v->who.client))
        return;
    (void)!addr_read_port(SPAN("127.0.0.1:25"), &v->who.client);
    v->who.listener = v->who.client;
}

static void connected(struct visit *v)
{
    alarm_set(&v->alarm, (double)v->wire.plan.backend->greeting_timeout);
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

static void hear(struct visit *v)
{
    struct heard h;
    int got = 0;

    while (!v->over && v->intro != INTRO_SHAKING && (got = dial_next(&v->dial, &h)) > 0)
        on_reply(v, &h);
    if (got < 0)
        finish(v, "what it says is not SMTP", buf_peek(&v->dial.in));
}

static void on_ready(void *arg)
{
    struct visit *v = arg;

    while (!v->over) {
        switch (wire_step(&v->wire, v->intro == INTRO_SHAKING)) {
        case WIRE_LATER:
            return;
        case WIRE_UP:
            connected(v);
            break;
        case WIRE_HEARD:
            hear(v);
            break;
        case WIRE_SECURE:
            if (!intro_secured(&v->intro, &v->dial, &v->who))
                finish(v, "it says something before TLS", SPAN(""));
            break;
        case WIRE_LOST:
            finish(v, v->wire.why, SPAN(""));
            break;
        }
    }
    tell(v);
}

static void on_late(void *arg)
{
    struct visit *v = arg;

    if (!v->over)
        finish(v, "it takes too long", SPAN(""));
    tell(v);
}

/* What fails at once is told from the loop, as all else. */
static void begin(struct visit *v)
{
    if (wire_dial(&v->wire, NULL)) {
        alarm_set(&v->alarm, (double)v->wire.plan.backend->connect_timeout);
        return;
    }
    finish(v, v->wire.why, SPAN(""));
    alarm_set(&v->alarm, 0);
}

struct visit *visit_new(struct event_base *base, const struct wire_plan *plan,
                        const char *host_name, visit_fn *fn, void *arg)
{
    struct visit *v = calloc(1, sizeof *v);

    if (!v)
        return NULL;
    *v = (struct visit){.fn = fn, .arg = arg};
    v->who = (struct guest){.identity = plan->backend->identity,
                            .helo = host_name,
                            .extended = true,
                            .session = "",
                            .use_tls = (enum backend_tls)plan->backend->use_tls,
                            .ourselves = true};
    dial_init(&v->dial);
    wire_init(&v->wire, base, plan, &v->dial, on_ready, v);
    alarm_init(&v->alarm, base, on_late, v);
    begin(v);
    return v;
}

void visit_free(struct visit **at)
{
    struct visit *v = *at;

    if (!v)
        return;
    *at = NULL;
    if (v->reply.len > 0)
        wire_leave(&v->wire);
    alarm_stop(&v->alarm);
    wire_clear(&v->wire);
    dial_clear(&v->dial);
    free(v);
}
