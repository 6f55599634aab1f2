/* SPDX-License-Identifier: Apache-2.0 */
#include "probe.h"

#include <stdlib.h>

/* The first probe keeps the worker from serving; it shall not take minutes. */
enum { PROBE_PATIENCE = 30 };

struct probe {
    struct event_base *base;
    const struct backend *backend;
    const char *host_name;
    probe_fn *tell;
    void *arg;
    struct side side;
    struct event timer;
    struct probing probing;
};

static void wait_for(struct probe *p, unsigned long seconds)
{
    evtimer_add(&p->timer, &(struct timeval){.tv_sec = (time_t)seconds});
}

static bool is_asking(const struct probe *p)
{
    return side_is_open(&p->side);
}

static void end(struct probe *p, bool safe, const char *why)
{
    side_clear(&p->side);
    p->tell(p->arg, safe, why);
    probing_clear(&p->probing);
    wait_for(p, safe ? PROBE_EVERY : PROBE_AGAIN);
}

/* What is to be said goes out; false: it cannot. */
static bool push(struct probe *p)
{
    struct span pieces[DIAL_PIECES];
    size_t len, count = dial_pieces(&p->probing.dial, SPAN(""), pieces);

    if (count == 0)
        return true;
    if (conn_write(&p->side.conn, pieces, count, &len) == CONN_FAILED)
        return false;
    dial_went(&p->probing.dial, SPAN(""), len);
    return true;
}

static void on_ready(int fd, short events, void *arg)
{
    struct probe *p = arg;
    struct dial *d = &p->probing.dial;
    char *at;
    size_t len = 0, size = dial_space(d, &at);
    enum conn_got got = size ? conn_read(&p->side.conn, at, size, &len) : CONN_FAILED;

    (void)fd;
    (void)events;
    if (size)
        dial_grew(d, len);
    if (!probing_goes_on(&p->probing, p->host_name)) {
        (void)!dial_ask(d, 0, SPAN("QUIT\r\n"));
        (void)!push(p);
        end(p, p->probing.safe, p->probing.why);
    } else if (got >= CONN_OVER || !push(p)) {
        end(p, false, "it closes the connection");
    }
}

static void listen_to(struct probe *p)
{
    side_watch(&p->side, p->base, EV_READ, on_ready, p);
    wait_for(p, PROBE_PATIENCE < p->backend->reply_timeout ? PROBE_PATIENCE
                                                           : p->backend->reply_timeout);
}

static void on_connected(int fd, short events, void *arg)
{
    struct probe *p = arg;
    enum conn_got got = conn_dialled(&p->side.conn);

    (void)fd;
    (void)events;
    if (got == CONN_SOME)
        listen_to(p);
    else if (got != CONN_LATER)
        end(p, false, p->side.conn.why);
}

static void begin(struct probe *p)
{
    const struct addr *from = p->backend->has_from ? &p->backend->from : NULL;

    side_init(&p->side, -1);
    probing_init(&p->probing);
    switch (conn_dial(&p->side.conn, &p->backend->to, from)) {
    case CONN_SOME:
        listen_to(p);
        break;
    case CONN_LATER:
        side_watch(&p->side, p->base, EV_WRITE, on_connected, p);
        wait_for(p, p->backend->connect_timeout);
        break;
    case CONN_OVER:
    case CONN_FAILED:
        end(p, false, p->side.conn.why);
        break;
    }
}

static void on_time(int fd, short events, void *arg)
{
    struct probe *p = arg;

    (void)fd;
    (void)events;
    if (is_asking(p))
        end(p, false, "it takes too long");
    else
        begin(p);
}

struct probe *probe_new(struct event_base *base, const struct backend *backend,
                        const char *host_name, probe_fn *tell, void *arg)
{
    struct probe *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    *p = (struct probe){
        .base = base, .backend = backend, .host_name = host_name, .tell = tell, .arg = arg};
    side_init(&p->side, -1);
    evtimer_assign(&p->timer, base, on_time, p);
    wait_for(p, 0);
    return p;
}

void probe_free(struct probe **p)
{
    if (!*p)
        return;
    event_del(&(*p)->timer);
    side_clear(&(*p)->side);
    probing_clear(&(*p)->probing);
    free(*p);
    *p = NULL;
}
