/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "patrol.h"
#include "prepare.h"
#include "session.h"
#include "tell/log.h"

/* At a time, so that other workers take their share of a crowd. */
enum { ACCEPT_MAX = 2 };

/* Seconds between log lines that say the same. */
enum { TELL_EVERY = 60 };

struct server {
    struct worker worker;
    struct child *child;
    struct gate *gates;
    struct station *stations;
    size_t gate_count, station_count;
    struct patrol *patrol;
    struct event tick, orders;
    unsigned long most;   /* sessions at a time */
    bool listening, full; /* full: out of descriptors */
    double told;          /* when that was last logged */
};

/* A backend that no listener uses is not asked anything. */
static bool is_used(const struct server *v, const struct station *at)
{
    for (size_t i = 0; i < v->gate_count; i++)
        if (v->gates[i].station == at)
            return true;
    return false;
}

static void turn_away(int fd, const struct gate *g, const struct addr *client, enum reason why,
                      const char *text)
{
    struct conn conn;
    char line[512], at[ADDR_TEXT];
    int n = snprintf(line, sizeof line, "421 4.3.2 %.255s %s\r\n", g->house.host_name, text);
    struct span say = {line, (size_t)n};
    size_t len;

    conn_init(&conn, fd);
    /* Where TLS begins with the first byte there is nothing to be said in the clear. */
    if (!g->listener->tls && conn_write(&conn, &say, 1, &len) == CONN_SOME)
        conn_finish(&conn);
    conn_clear(&conn);
    if (log_is_on(LOG_SESSION))
        log_say(LOG_SESSION, id_next().text, "closed", {"why", span_of(reason_word(why))},
                {"client", span_of(addr_port_text(client, at))});
}

static void listen_on(struct server *v, bool on)
{
    if (v->listening == on)
        return;
    v->listening = on;
    for (size_t i = 0; i < v->gate_count; i++)
        (void)(on ? event_add(&v->gates[i].watch, NULL) : event_del(&v->gates[i].watch));
}

/* No descriptors: sessions go on, and the next one that ends lets us accept again. */
static void pause_accepting(struct server *v)
{
    double now = clock_mono();

    if (v->told == 0 || now - v->told > TELL_EVERY)
        log_say(LOG_FAULT, "", "no-descriptors",
                {"why", SPAN("accepting pauses; raise the limit of open files")});
    v->told = now;
    v->full = true;
    listen_on(v, false);
}

static struct server *server_of(struct worker *w)
{
    return (struct server *)((char *)w - offsetof(struct server, worker));
}

static void on_client(int fd, short events, void *arg)
{
    struct gate *g = arg;
    struct server *v = server_of(g->worker);
    struct addr client;
    bool full = false;
    int got;

    (void)events;
    for (unsigned n = 0; n < ACCEPT_MAX; n++) {
        if ((got = listen_accept(fd, &client, &full)) < 0)
            break;
        if (!station_is_safe(g->station))
            turn_away(got, g, &client, REASON_NOT_PROBED,
                      "Mail server not available, try again later");
        else if (v->worker.count >= v->most)
            turn_away(got, g, &client, REASON_CROWDED, "Too many sessions, try again later");
        else
            session_start(g, got, &client);
    }
    if (full)
        pause_accepting(v);
}

void worker_left(struct worker *w)
{
    struct server *v = server_of(w);

    if (w->draining && w->count == 0)
        event_base_loopbreak(w->base);
    else if (v->full && !w->draining) {
        v->full = false;
        listen_on(v, true);
    }
}

static void drain(struct server *v)
{
    if (v->worker.draining)
        return;
    v->worker.draining = true;
    event_del(&v->orders);
    listen_on(v, false);
    if (v->worker.count == 0)
        event_base_loopbreak(v->worker.base);
}

static void on_orders(int fd, short events, void *arg)
{
    struct server *v = arg;

    (void)fd;
    (void)events;
    if (child_should_drain(v->child))
        drain(v);
}

static void on_tick(int fd, short events, void *arg)
{
    struct server *v = arg;
    double now = clock_mono();

    (void)fd;
    (void)events;
    entries_sweep(&v->worker.entries, now);
    patrol_walk(v->patrol);
    if (v->worker.draining)
        sessions_drain(&v->worker, now);
    else if (v->full) {
        v->full = false;
        listen_on(v, true);
    }
}

/* Listeners serve from here. */
static void open_up(void *arg)
{
    struct server *v = arg;

    if (!v->worker.draining)
        listen_on(v, true);
    child_ready(v->child);
}

static bool make_stations(struct server *v)
{
    const struct settings *s = v->worker.settings;

    v->patrol = patrol_new(v->worker.base, s->host_name, open_up, v);
    for (size_t i = 0; v->patrol && i < s->backend_count; i++)
        if (!station_init(&v->stations[i], &s->backends[i]))
            return false;
    return v->patrol != NULL;
}

static bool man_posts(struct server *v)
{
    const struct prepared *p = v->child->prepared;

    for (size_t i = 0; i < v->station_count; i++)
        if (is_used(v, &v->stations[i]) &&
            !patrol_add(v->patrol, &v->stations[i], p->backend_tls[i]))
            return false;
    return true;
}

static void make_gates(struct server *v)
{
    const struct settings *s = v->worker.settings;
    const struct prepared *p = v->child->prepared;

    for (size_t i = 0; i < v->gate_count; i++) {
        const struct smtp_listener *l = &s->smtp_listeners[i];
        size_t behind = (size_t)(settings_backend(s, l) - s->backends);
        struct station *at = &v->stations[behind];

        v->gates[i] = (struct gate){.worker = &v->worker,
                                    .listener = l,
                                    .station = at,
                                    .tls = p->gates[i].tls,
                                    .backend_tls = p->backend_tls[behind]};
        v->gates[i].house = (struct relay_house){.host_name = s->host_name,
                                                 .sources = s->sources,
                                                 .source_name = l->source,
                                                 .identity = at->backend->identity,
                                                 .use_tls = at->backend->use_tls,
                                                 .has_tls = p->gates[i].tls != NULL,
                                                 .accounts = v->worker.spool != NULL,
                                                 .memory = &at->offer};
        event_assign(&v->gates[i].watch, v->worker.base, p->gates[i].fd, EV_READ | EV_PERSIST,
                     on_client, &v->gates[i]);
    }
}

static bool make_memory(struct server *v)
{
    const struct settings *s = v->worker.settings;

    v->gate_count = s->smtp_listener_count;
    v->station_count = s->backend_count;
    v->gates = calloc(v->gate_count, sizeof *v->gates);
    v->stations = calloc(v->station_count, sizeof *v->stations);
    v->worker.base = loop_new();
    return v->gates && v->stations && v->worker.base;
}

static bool open_spool(struct server *v)
{
    const struct settings *s = v->worker.settings;
    char why[512];

    if (s->acct_file_count == 0)
        return true;
    v->worker.spool = spool_open(s->global.spool_directory, "received", why, sizeof why);
    if (!v->worker.spool)
        log_say(LOG_FAULT, "", "no-spool", {"why", span_of(why)});
    return v->worker.spool != NULL;
}

static bool begin(struct server *v)
{
    const struct prepared *p = v->child->prepared;

    v->worker.settings = v->child->settings;
    v->most = listen_capacity(v->worker.settings->global.max_sessions);
    LIST_INIT(&v->worker.sessions);
    entries_init(&v->worker.entries, p->table, v->child->slot);
    if (!make_memory(v) || !open_spool(v))
        return false;
    if (!make_stations(v))
        return false;
    make_gates(v);
    if (!man_posts(v))
        return false;
    event_assign(&v->tick, v->worker.base, -1, EV_PERSIST, on_tick, v);
    event_add(&v->tick, &(struct timeval){.tv_sec = 1});
    event_assign(&v->orders, v->worker.base, v->child->orders, EV_READ | EV_PERSIST, on_orders, v);
    event_add(&v->orders, NULL);
    patrol_walk(v->patrol);
    return true;
}

static void clear(struct server *v)
{
    patrol_free(&v->patrol);
    for (size_t i = 0; v->stations && i < v->station_count; i++)
        station_clear(&v->stations[i]);
    entries_clear(&v->worker.entries);
    spool_close(&v->worker.spool);
    if (v->worker.base)
        event_base_free(v->worker.base);
    free(v->gates);
    free(v->stations);
    libevent_global_shutdown();
}

int server_run(struct child *child)
{
    struct server v = {.child = child};
    bool well = begin(&v);

    if (well)
        event_base_dispatch(v.worker.base);
    clear(&v);
    return well ? 0 : 1;
}
