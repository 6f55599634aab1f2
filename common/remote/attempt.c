/* SPDX-License-Identifier: Apache-2.0 */
#include "remote/attempt.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "remote/login.h"
#include "remote/shown.h"
#include "smtp/reply.h"

enum { TICKET_EHLO = 1, TICKET_HELO, TICKET_STARTTLS, TICKET_AUTH };

enum phase { PHASE_CONNECT, PHASE_GREETING, PHASE_EHLO, PHASE_STARTTLS, PHASE_SHAKE, PHASE_OVER };

struct attempt {
    struct attempt_conf conf;
    attempt_fn *fn;
    void *arg;
    struct upstream *up; /* ours */
    enum phase phase;
    enum fail fail; /* of PHASE_OVER */
    double deadline;
    bool no_source; /* what we are to connect from cannot be had */
    bool in_clear;  /* the second connection: no STARTTLS */
    struct login login;
};

/* The owner hears of it at the end of the event: it may free us then. */
static void finish(struct attempt *a, enum fail fail)
{
    a->phase = PHASE_OVER;
    a->fail = fail;
    watch_want(&a->up->watch, -1, 0);
    alarm_stop(&a->up->alarm);
}

static void tell(struct attempt *a)
{
    struct upstream *up = a->up;

    if (a->phase != PHASE_OVER)
        return;
    if (a->fail == FAIL_NOT)
        a->up = NULL;
    a->fn(a->arg, up, a->fail);
}

static double least(double a, double b)
{
    return a < b ? a : b;
}

static double limit_of(const struct attempt *a, enum phase phase, double left)
{
    switch (phase) {
    case PHASE_CONNECT:
        return least(left, a->conf.connect_seconds > 0 ? a->conf.connect_seconds
                                                       : (double)a->conf.rule->connect_timeout);
    case PHASE_SHAKE:
        /* Time must be left for the second connection. */
        return least(a->conf.demand.level == DEMAND_MAY ? left / 2 : left,
                     a->conf.handshake_seconds);
    case PHASE_GREETING:
    case PHASE_EHLO:
    case PHASE_STARTTLS:
    case PHASE_OVER:
        break;
    }
    return least(left, (double)a->conf.rule->smtp_greeting_timeout);
}

static void enter(struct attempt *a, enum phase phase)
{
    a->phase = phase;
    alarm_set(&a->up->alarm, limit_of(a, phase, a->deadline - clock_mono()));
}

/* Gives up this connection and makes another. */
static void start(struct attempt *a)
{
    struct upstream *up = a->up;
    enum conn_got got;

    watch_want(&up->watch, -1, 0);
    conn_clear(&up->conn);
    conn_init(&up->conn, -1);
    dial_clear(&up->dial);
    dial_init(&up->dial);
    up->remote.secure = false;
    enter(a, PHASE_CONNECT);
    got = conn_dial(&up->conn, &a->conf.to->at, a->conf.from);
    a->no_source = got == CONN_FAILED && errno == EADDRNOTAVAIL && a->conf.from;
    if (got == CONN_FAILED)
        alarm_set(&up->alarm, 0); /* from the loop, as everything else */
    else
        watch_want(&up->watch, up->conn.fd, CONN_OUT);
}

/* What the demand makes of how TLS went. True: this connection goes on. */
static bool go_on(struct attempt *a, const struct tls_shown *shown)
{
    struct remote *remote = &a->up->remote;
    struct judgement j = judge(&a->conf.demand, shown, false);

    remote->tls_fail = tls_lack(shown->outcome);
    remote->noted = j.noted;
    remote->noted_by = j.noted_by;
    switch (j.then) {
    case GO_SECURE:
    case GO_CLEAR:
        return true;
    case GO_AGAIN_CLEAR:
        a->in_clear = true;
        start(a);
        return false;
    case GO_NOT:
        remote->tls_fail = j.fail;
        remote->by = j.by;
        finish(a, j.fail);
        return false;
    }
    return false;
}

static bool go_without(struct attempt *a, enum tls_outcome outcome)
{
    return go_on(a, &(struct tls_shown){.outcome = outcome});
}

static void ask(struct attempt *a, unsigned ticket, enum phase phase, const char *fmt,
                const char *arg)
{
    char line[512];
    int len = snprintf(line, sizeof line, "%s%s\r\n", fmt, arg);

    enter(a, phase);
    if (len < 0 || (size_t)len >= sizeof line ||
        !dial_ask(&a->up->dial, ticket, (struct span){line, (size_t)len}))
        finish(a, FAIL_PROTOCOL);
}

/* Its own words tell the administrator more than ours. */
static void note_refusal(struct attempt *a, const struct heard *h)
{
    struct remote *remote = &a->up->remote;

    reply_flat(remote->said, sizeof remote->said, h->text);
}

/* The step that `code` leads to; the first is 0. Nothing else is missing for MAIL. */
static void log_in(struct attempt *a, int code)
{
    struct upstream *up = a->up;
    enum fail fail;

    if (!up->remote.secure && !a->conf.rule->use_unencrypted_plain_auth)
        login_offered(&a->login, SPAN(""));
    enter(a, PHASE_EHLO);
    if (!login_goes_on(&a->login, code, &up->dial, TICKET_AUTH, &fail))
        finish(a, fail);
}

/* Its text may hold our password: only the numbers are told. */
static void on_auth(struct attempt *a, const struct heard *h)
{
    struct remote *remote = &a->up->remote;

    if (h->code / 100 > 3)
        snprintf(remote->said, sizeof remote->said, "%d %s", h->code, reply_read(h->text).status);
    log_in(a, h->code);
}

static void on_greeting(struct attempt *a, const struct heard *h)
{
    if (a->conf.greeting && span_is(h->text, a->conf.greeting)) {
        finish(a, FAIL_CAUGHT);
        return;
    }
    if (h->code == 220) {
        ask(a, TICKET_EHLO, PHASE_EHLO, "EHLO ", a->conf.ehlo_name);
        return;
    }
    note_refusal(a, h);
    finish(a, FAIL_GREETING);
}

static void on_ehlo(struct attempt *a, const struct heard *h)
{
    struct upstream *up = a->up;
    bool clear_will_do = a->conf.demand.level < DEMAND_ENCRYPT && !up->remote.secure;
    struct span offers;

    if (h->code / 100 == 5 && h->ticket == TICKET_EHLO && clear_will_do) {
        ask(a, TICKET_HELO, PHASE_EHLO, "HELO ", a->conf.ehlo_name);
        return;
    }
    if (h->code != 250) {
        note_refusal(a, h);
        finish(a, FAIL_GREETING);
        return;
    }
    offers = h->ticket == TICKET_EHLO ? h->text : SPAN("250 x\r\n");
    up->ehlo = ehlo_read(offers);
    ehlo_list(up->remote.esmtp, sizeof up->remote.esmtp, offers);
    login_offered(&a->login, offers);
    if (up->remote.secure || a->in_clear || a->conf.demand.level == DEMAND_NONE)
        log_in(a, 0);
    else if (ehlo_has(&up->ehlo, EHLO_STARTTLS))
        ask(a, TICKET_STARTTLS, PHASE_STARTTLS, "STARTTLS", "");
    else if (go_without(a, TLS_NOT_OFFERED))
        log_in(a, 0);
}

static void on_starttls(struct attempt *a, const struct heard *h)
{
    if (h->code != 220) {
        note_refusal(a, h);
        if (go_without(a, TLS_REFUSED))
            log_in(a, 0);
    } else if (!dial_secured(&a->up->dial)) {
        if (go_without(a, TLS_INJECTED))
            finish(a, FAIL_INJECTED); /* never reached; and if it were, not in the clear */
    } else {
        enter(a, PHASE_SHAKE);
    }
}

static void on_reply(struct attempt *a, const struct heard *h)
{
    switch (h->ticket) {
    case 0:
        on_greeting(a, h);
        return;
    case TICKET_STARTTLS:
        on_starttls(a, h);
        return;
    case TICKET_AUTH:
        on_auth(a, h);
        return;
    default:
        on_ehlo(a, h);
    }
}

static void connected(struct attempt *a)
{
    struct upstream *up = a->up;
    enum conn_got got = conn_dialled(&up->conn);

    if (got == CONN_LATER)
        return;
    if (got != CONN_SOME || !conn_local(&up->conn, &up->remote.from)) {
        finish(a, FAIL_CONNECT);
        return;
    }
    enter(a, a->conf.rule->smtp_implicit_tls ? PHASE_SHAKE : PHASE_GREETING);
    watch_want(&up->watch, up->conn.fd, CONN_IN);
}

static void shake(struct attempt *a)
{
    struct upstream *up = a->up;
    enum conn_got got =
        a->conf.tls ? conn_connect_tls(&up->conn, a->conf.tls, shown_sni(&a->conf), a->conf.session)
                    : CONN_FAILED;

    if (got == CONN_LATER) {
        watch_want(&up->watch, up->conn.fd, up->conn.needs);
    } else if (got != CONN_SOME) {
        (void)go_without(a, up->conn.unwanted ? TLS_UNWANTED : TLS_BROKEN);
    } else {
        up->remote.secure = true;
        conn_facts(&up->conn, &up->remote.tls);
        struct tls_shown shown = shown_by(&a->conf, &up->conn, &up->remote.tls);
        if (!go_on(a, &shown))
            return;
        if (a->conf.rule->smtp_implicit_tls)
            enter(a, PHASE_GREETING);
        else
            ask(a, TICKET_EHLO, PHASE_EHLO, "EHLO ", a->conf.ehlo_name);
    }
}

static bool is_talking(const struct attempt *a)
{
    return a->phase == PHASE_GREETING || a->phase == PHASE_EHLO || a->phase == PHASE_STARTTLS;
}

/* Replies, and what they lead to. */
static void talk(struct attempt *a)
{
    struct upstream *up = a->up;
    size_t moved = 0;
    struct heard h;
    enum conn_got got = upstream_pull(up, &moved);
    int said = 0;

    while (is_talking(a) && (said = dial_next(&up->dial, &h)) > 0)
        on_reply(a, &h);
    if (!is_talking(a))
        return;
    if (said < 0)
        finish(a, FAIL_PROTOCOL);
    else if (up->conn.unwanted)
        (void)go_without(a, TLS_UNWANTED);
    else if (got == CONN_OVER || got == CONN_FAILED)
        finish(a, FAIL_CLOSED);
}

static void push(struct attempt *a)
{
    struct upstream *up = a->up;
    size_t moved = 0;
    enum conn_got got = upstream_push(up, &moved);

    dial_settle(&up->dial);
    if (up->conn.unwanted)
        (void)go_without(a, TLS_UNWANTED);
    else if (got == CONN_FAILED || got == CONN_OVER)
        finish(a, FAIL_CLOSED);
    else
        watch_want(&up->watch, up->conn.fd,
                   conn_reads_on(&up->conn) | (got == CONN_LATER ? up->conn.needs : 0));
}

static void on_ready(void *arg)
{
    struct attempt *a = arg;

    if (a->phase == PHASE_CONNECT)
        connected(a);
    else if (is_talking(a))
        talk(a);
    if (a->phase == PHASE_SHAKE)
        shake(a);
    if (a->phase == PHASE_GREETING && conn_has_pending(&a->up->conn))
        talk(a); /* the greeting came with the last of the handshake */
    if (is_talking(a))
        push(a);
    tell(a);
}

static void on_late(void *arg)
{
    struct attempt *a = arg;

    switch (a->phase) {
    case PHASE_CONNECT:
        finish(a, a->no_source ? FAIL_SOURCE : FAIL_CONNECT);
        break;
    case PHASE_SHAKE:
        (void)go_without(a, TLS_STALLED);
        break;
    case PHASE_GREETING:
    case PHASE_EHLO:
    case PHASE_STARTTLS:
        finish(a, FAIL_TIMEOUT);
        break;
    case PHASE_OVER:
        return;
    }
    tell(a);
}

struct attempt *attempt_new(const struct attempt_conf *conf, attempt_fn *fn, void *arg)
{
    struct attempt *a = calloc(1, sizeof *a);

    if (!a || !(a->up = upstream_new(conf->base))) {
        free(a);
        return NULL;
    }
    a->conf = *conf;
    a->fn = fn;
    a->arg = arg;
    a->deadline = clock_mono() + conf->seconds;
    upstream_describe(a->up, conf->to, conf->rule, &conf->demand);
    login_init(&a->login, conf->rule->auth_username, conf->rule->auth_password);
    a->in_clear = conf->demand.broken != FAIL_NOT;
    a->up->remote.tls_fail = conf->demand.broken;
    upstream_own(a->up, on_ready, on_late, a);
    start(a);
    return a;
}

void attempt_free(struct attempt **at)
{
    struct attempt *a = *at;

    if (!a)
        return;
    *at = NULL;
    upstream_free(&a->up);
    conn_session_free(&a->conf.session);
    free(a);
}
