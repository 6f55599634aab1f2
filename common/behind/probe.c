/* SPDX-License-Identifier: Apache-2.0 */
#include "behind/probe.h"

#include <stdlib.h>

#include "behind/reach.h"
#include "net/conn.h"
#include "net/watch.h"

struct probe {
    struct probe_plan plan;
    probe_fn *tell;
    void *arg;
    struct conn conn; /* closed: it is not asking */
    struct watch watch;
    struct alarm alarm;
    struct probing probing;
    bool connected;
};

static void hang_up(struct probe *p)
{
    watch_want(&p->watch, p->conn.fd, 0);
    conn_clear(&p->conn);
    probing_clear(&p->probing);
}

static void end(struct probe *p)
{
    const struct probed found = p->probing.found;
    double next = found.verdict == VERDICT_SAFE ? p->plan.every : p->plan.again;

    hang_up(p);
    if (next > 0)
        alarm_set(&p->alarm, next);
    else
        alarm_stop(&p->alarm);
    p->tell(p->arg, &found);
}

/* It has closed, or has nothing to say. */
static void end_early(struct probe *p, enum verdict verdict, const char *why)
{
    bool silent = p->connected && !p->probing.found.greeted;

    probing_end(&p->probing, silent ? VERDICT_NO_GREETING : verdict, why);
    end(p);
}

static void wait_for(struct probe *p, unsigned long limit)
{
    alarm_set(&p->alarm, p->plan.patience < (double)limit ? p->plan.patience : (double)limit);
}

/* What is to be said goes out; false: it cannot. */
static bool push(struct probe *p)
{
    struct span pieces[DIAL_PIECES];
    size_t len, count = dial_pieces(&p->probing.dial, SPAN(""), pieces);

    if (count == 0)
        return true;
    wait_for(p, p->plan.backend->reply_timeout);
    if (conn_write(&p->conn, pieces, count, &len) == CONN_FAILED)
        return false;
    dial_went(&p->probing.dial, SPAN(""), len);
    return true;
}

/* It is over, and that is said; the answer is not waited for. */
static void say_quit(struct probe *p)
{
    (void)!dial_ask(&p->probing.dial, 0, SPAN("QUIT\r\n"));
    (void)!push(p);
}

static void shake(struct probe *p);

static void hear(struct probe *p)
{
    struct dial *d = &p->probing.dial;
    char *at;
    size_t len = 0, size = dial_space(d, &at);
    enum conn_got got = size ? conn_read(&p->conn, at, size, &len) : CONN_FAILED;

    if (size)
        dial_grew(d, len);
    if (!probing_goes_on(&p->probing)) {
        say_quit(p);
        end(p);
    } else if (got >= CONN_OVER || !push(p)) {
        end_early(p, VERDICT_CLOSED, "it closes the connection");
    } else if (probing_shakes(&p->probing)) {
        shake(p);
    }
}

/* TLS, once all that goes before it has gone; what came with the end of it no socket announces. */
static void shake(struct probe *p)
{
    enum conn_got got;

    if (buf_len(&p->probing.dial.out) > 0) {
        watch_want(&p->watch, p->conn.fd, CONN_OUT);
        return;
    }
    got = reach_secure(&p->conn, p->plan.backend, p->plan.tls);
    if (got == CONN_LATER) {
        watch_want(&p->watch, p->conn.fd, p->conn.needs);
    } else if (got != CONN_SOME || !probing_secured(&p->probing) || !push(p)) {
        end_early(p, VERDICT_NO_TLS, got == CONN_SOME ? "" : p->conn.why);
    } else {
        watch_want(&p->watch, p->conn.fd, CONN_IN);
        hear(p);
    }
}

static void listen_to(struct probe *p)
{
    p->connected = true;
    wait_for(p, p->plan.backend->reply_timeout);
    watch_want(&p->watch, p->conn.fd, CONN_IN);
    if (!push(p))
        end_early(p, VERDICT_CLOSED, "it closes the connection");
    else if (probing_shakes(&p->probing))
        shake(p);
}

static void on_ready(void *arg)
{
    struct probe *p = arg;

    if (p->connected && probing_shakes(&p->probing)) {
        if (push(p))
            shake(p);
        else
            end_early(p, VERDICT_CLOSED, "it closes the connection");
        return;
    }
    if (p->connected) {
        hear(p);
        return;
    }
    switch (conn_dialled(&p->conn)) {
    case CONN_SOME:
        listen_to(p);
        break;
    case CONN_LATER:
        break;
    case CONN_OVER:
    case CONN_FAILED:
        end_early(p, VERDICT_UNREACHED, p->conn.why);
        break;
    }
}

/* From the client's own address where that is how it is shown. */
static enum conn_got dial(struct probe *p)
{
    const struct backend *b = p->plan.backend;

    if (p->plan.who.identity != IDENTITY_TRANSPARENT)
        return reach_dial(&p->conn, b, p->plan.server);
    if (!conn_bind_as(&p->conn, &p->plan.who.client, &p->plan.server->at))
        return CONN_FAILED;
    return conn_dial(&p->conn, &p->plan.server->at, NULL);
}

static void begin(struct probe *p)
{
    const struct backend *b = p->plan.backend;

    conn_init(&p->conn, -1);
    p->connected = false;
    if (!probing_init(&p->probing, &p->plan.who)) {
        end_early(p, VERDICT_FOREIGN, "the header does not fit");
        return;
    }
    switch (dial(p)) {
    case CONN_SOME:
        listen_to(p);
        break;
    case CONN_LATER:
        watch_want(&p->watch, p->conn.fd, CONN_OUT);
        wait_for(p, b->connect_timeout);
        break;
    case CONN_OVER:
    case CONN_FAILED:
        end_early(p, VERDICT_UNREACHED, p->conn.why);
        break;
    }
}

static void on_time(void *arg)
{
    struct probe *p = arg;

    if (p->conn.fd < 0)
        begin(p);
    else if (p->connected)
        end_early(p, VERDICT_SLOW, "no answer in time");
    else
        end_early(p, VERDICT_UNREACHED, "no answer in time");
}

struct probe *probe_new(struct event_base *base, const struct probe_plan *plan, probe_fn *tell,
                        void *arg)
{
    struct probe *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    *p = (struct probe){.plan = *plan, .tell = tell, .arg = arg};
    conn_init(&p->conn, -1);
    dial_init(&p->probing.dial);
    watch_init(&p->watch, base, on_ready, p);
    alarm_init(&p->alarm, base, on_time, p);
    alarm_set(&p->alarm, 0);
    return p;
}

void probe_free(struct probe **p)
{
    if (!*p)
        return;
    alarm_stop(&(*p)->alarm);
    hang_up(*p);
    free(*p);
    *p = NULL;
}
