/* SPDX-License-Identifier: Apache-2.0 */
#include "behind/wire.h"

#include "behind/reach.h"

void wire_init(struct wire *w, struct event_base *base, const struct wire_plan *plan,
               struct dial *dial, watch_fn *fn, void *arg)
{
    *w = (struct wire){.plan = *plan, .dial = dial};
    conn_init(&w->conn, -1);
    watch_init(&w->watch, base, fn, arg);
}

bool wire_dial(struct wire *w, const struct addr *as)
{
    conn_init(&w->conn, -1);
    w->up = false;
    if (reach_dial(&w->conn, w->plan.backend, w->plan.server, as) >= CONN_OVER) {
        w->why = w->conn.why;
        return false;
    }
    watch_want(&w->watch, w->conn.fd, CONN_OUT);
    return true;
}

static enum wire_got later(struct wire *w, unsigned needs)
{
    watch_want(&w->watch, w->conn.fd, needs);
    return WIRE_LATER;
}

static enum wire_got lost(struct wire *w, const char *why)
{
    watch_want(&w->watch, w->conn.fd, 0);
    w->why = why;
    return WIRE_LOST;
}

/* What is to be said goes out; `*needs` is what must come about before the rest can. */
static bool push(struct wire *w, unsigned *needs)
{
    struct span pieces[DIAL_PIECES];
    size_t count, len;

    *needs = 0;
    while ((count = dial_pieces(w->dial, w->body, pieces)) > 0) {
        switch (conn_write(&w->conn, pieces, count, &len)) {
        case CONN_SOME:
            w->body = span_after(w->body, dial_went(w->dial, w->body, len));
            break;
        case CONN_LATER:
            *needs = w->conn.needs;
            return true;
        case CONN_OVER:
        case CONN_FAILED:
            return false;
        }
    }
    return true;
}

static enum wire_got shake(struct wire *w)
{
    switch (reach_secure(&w->conn, w->plan.backend, w->plan.tls)) {
    case CONN_SOME:
        return WIRE_SECURE;
    case CONN_LATER:
        return later(w, w->conn.needs);
    case CONN_OVER:
    case CONN_FAILED:
        break;
    }
    return lost(w, w->conn.why);
}

static enum wire_got hear(struct wire *w, unsigned needs)
{
    char *at;
    size_t len, size = dial_space(w->dial, &at);
    enum conn_got got = size ? conn_read(&w->conn, at, size, &len) : CONN_FAILED;

    if (size == 0)
        return lost(w, "its reply is too long");
    dial_grew(w->dial, got == CONN_SOME ? len : 0);
    switch (got) {
    case CONN_SOME:
        return WIRE_HEARD;
    case CONN_LATER:
        return later(w, w->conn.needs | needs);
    case CONN_OVER:
        return lost(w, "it closes the connection");
    case CONN_FAILED:
        break;
    }
    return lost(w, w->conn.why);
}

enum wire_got wire_step(struct wire *w, bool shakes)
{
    unsigned needs;

    if (!w->up) {
        enum conn_got got = conn_dialled(&w->conn);

        w->up = got == CONN_SOME;
        if (got == CONN_LATER)
            return later(w, CONN_OUT);
        return w->up ? WIRE_UP : lost(w, w->conn.why);
    }
    if (!push(w, &needs))
        return lost(w, w->conn.why);
    if (!shakes)
        return hear(w, needs);
    return needs ? later(w, needs) : shake(w);
}

void wire_leave(struct wire *w)
{
    unsigned needs;

    if (dial_ask(w->dial, 0, SPAN("QUIT\r\n")))
        (void)!push(w, &needs);
}

void wire_clear(struct wire *w)
{
    watch_want(&w->watch, w->conn.fd, 0);
    conn_clear(&w->conn);
}
