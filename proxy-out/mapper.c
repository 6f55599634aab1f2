/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/mapper.h"

#include <stdlib.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/buf.h"
#include "net/conn.h"
#include "net/listen.h"
#include "net/watch.h"
#include "proxy-out/map.h"

enum { CALLERS = 1000, IDLE_SECONDS = 600, OUT_MAX = 16384, AT_ONCE = 16, PAUSE_SECONDS = 1 };

struct caller {
    LIST_ENTRY(caller) link;
    struct mapper *mapper;
    struct conn conn;
    struct watch watch;
    struct alarm idle;
    struct buf in, out;
};

struct mapper {
    struct event_base *base;
    const struct relay_listener *listener;
    int fd;
    struct watch watch;
    struct alarm again; /* when to accept again */
    LIST_HEAD(, caller) callers;
    unsigned count;
};

static void hang_up(void *arg)
{
    struct caller *c = arg;

    watch_want(&c->watch, -1, 0);
    alarm_stop(&c->idle);
    conn_clear(&c->conn);
    buf_clear(&c->in);
    buf_clear(&c->out);
    LIST_REMOVE(c, link);
    c->mapper->count--;
    free(c);
}

/* False: it does not speak our language. Nothing is read while answers wait. */
static bool answer(struct caller *c)
{
    const struct relay_listener *l = c->mapper->listener;
    char text[MAP_ANSWER_MAX];
    struct span question;
    size_t used;
    int got = 0;

    while (buf_room(&c->out) > 2 * MAP_ANSWER_MAX &&
           (got = netstring_read(buf_peek(&c->in), &question, &used)) > 0) {
        map_answer(question, &l->local_domains, l->at.port, text);
        if (!netstring_write(&c->out, span_of(text)))
            return false;
        buf_drop(&c->in, used);
    }
    return got >= 0;
}

static bool push(struct caller *c)
{
    while (buf_len(&c->out) > 0) {
        struct span text = buf_peek(&c->out);
        size_t len = 0;
        enum conn_got got = conn_write(&c->conn, &text, 1, &len);

        buf_drop(&c->out, len);
        if (got == CONN_LATER)
            return true;
        if (got != CONN_SOME)
            return false;
    }
    return true;
}

static bool pull(struct caller *c)
{
    size_t len = 0;
    char *at;
    size_t size = buf_space(&c->in, &at);
    enum conn_got got = size > 0 ? conn_read(&c->conn, at, size, &len) : CONN_LATER;

    buf_grew(&c->in, got == CONN_SOME ? len : 0);
    return got == CONN_SOME || got == CONN_LATER;
}

static void on_ready(void *arg)
{
    struct caller *c = arg;

    if (!pull(c) || !answer(c) || !push(c)) {
        hang_up(c);
        return;
    }
    watch_want(&c->watch, c->conn.fd, buf_len(&c->out) > 0 ? CONN_OUT : CONN_IN);
    alarm_set(&c->idle, IDLE_SECONDS);
}

static void take(struct mapper *m, int fd)
{
    struct caller *c = m->count < CALLERS ? calloc(1, sizeof *c) : NULL;

    if (!c) {
        close(fd);
        return;
    }
    c->mapper = m;
    m->count++;
    conn_init(&c->conn, fd);
    buf_init(&c->in, NETSTRING_MAX + 16);
    buf_init(&c->out, OUT_MAX);
    watch_init(&c->watch, m->base, on_ready, c);
    alarm_init(&c->idle, m->base, hang_up, c);
    LIST_INSERT_HEAD(&m->callers, c, link);
    watch_want(&c->watch, fd, CONN_IN);
    alarm_set(&c->idle, IDLE_SECONDS);
}

static void accept_again(void *arg)
{
    struct mapper *m = arg;

    watch_want(&m->watch, m->fd, CONN_IN);
}

/* No descriptors: the socket would wake us without end. */
static void pause_accepting(struct mapper *m)
{
    watch_want(&m->watch, -1, 0);
    alarm_set(&m->again, PAUSE_SECONDS);
}

static void on_caller(void *arg)
{
    struct mapper *m = arg;

    for (unsigned i = 0; i < AT_ONCE; i++) {
        struct addr client;
        bool full = false;
        int fd = listen_accept(m->fd, &client, &full);

        if (full)
            pause_accepting(m);
        if (fd < 0)
            return;
        if (m->listener->map_path || networks_has(&m->listener->allow, &client)) {
            take(m, fd);
            continue;
        }
        close(fd);
    }
}

struct mapper *mapper_new(struct event_base *base, const struct relay_listener *l, int fd)
{
    struct mapper *m = calloc(1, sizeof *m);

    if (!m)
        return NULL;
    m->base = base;
    m->listener = l;
    m->fd = fd;
    LIST_INIT(&m->callers);
    alarm_init(&m->again, base, accept_again, m);
    watch_init(&m->watch, base, on_caller, m);
    watch_want(&m->watch, fd, CONN_IN);
    return m;
}

void mapper_drain(struct mapper *m)
{
    alarm_stop(&m->again);
    watch_want(&m->watch, -1, 0);
}

void mapper_free(struct mapper **m)
{
    if (!*m)
        return;
    mapper_drain(*m);
    while (!LIST_EMPTY(&(*m)->callers))
        hang_up(LIST_FIRST(&(*m)->callers));
    free(*m);
    *m = NULL;
}
