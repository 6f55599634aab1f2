/* SPDX-License-Identifier: Apache-2.0 */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/block.h"
#include "base/clock.h"
#include "gates.h"
#include "net/records.h"
#include "net/slack.h"
#include "patrol.h"
#include "prepare.h"
#include "receipt.h"
#include "session.h"
#include "tell/log.h"
#include "tell/record.h"

struct server {
    struct worker worker;
    struct child *child;
    struct gates gates;
    struct station *stations;
    size_t station_count;
    struct patrol *patrol;
    struct event tick, orders;
};

/* A backend that no listener uses is not asked anything. */
static bool is_used(const struct server *v, const struct station *at)
{
    for (size_t i = 0; i < v->gates.count; i++)
        if (v->gates.at[i].station == at)
            return true;
    return false;
}

static struct server *server_of(struct worker *w)
{
    return (struct server *)((char *)w - offsetof(struct server, worker));
}

void worker_left(struct worker *w)
{
    struct server *v = server_of(w);

    if (w->draining && w->count == 0)
        event_base_loopbreak(w->base);
    else if (!w->draining)
        gates_retry(&v->gates);
}

static void drain(struct server *v)
{
    if (v->worker.draining)
        return;
    v->worker.draining = true;
    event_del(&v->orders);
    gates_close(&v->gates);
    /* Else the kernel would go on to take clients whom nobody greets, and no other may listen. */
    prepare_stopping(v->child->prepared);
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
    records_rest();
    (void)slack_rest();
    patrol_walk(v->patrol);
    if (v->worker.draining)
        sessions_drain(&v->worker, now);
    else
        gates_retry(&v->gates);
}

/* Listeners serve from here. */
static void open_up(void *arg)
{
    struct server *v = arg;

    if (!v->worker.draining)
        gates_open(&v->gates);
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

/* For some at a time. */
static unsigned reserve(void *spool)
{
    enum { RESERVE = 4 };

    return spool_reserve(spool, RESERVE * RECORD_MAX) ? RESERVE : 0;
}

static void make_gates(struct server *v)
{
    const struct settings *s = v->worker.settings;
    const struct prepared *p = v->child->prepared;

    for (size_t i = 0; i < v->gates.count; i++) {
        const struct smtp_listener *l = &s->smtp_listeners[i];
        size_t behind = (size_t)(settings_backend(s, l) - s->backends);
        struct station *at = &v->stations[behind];

        struct gate *g = &v->gates.at[i];

        *g = (struct gate){.worker = &v->worker,
                           .listener = l,
                           .station = at,
                           .tls = p->gates[i].tls,
                           .backend_tls = p->backend_tls[behind]};
        g->house = (struct relay_house){.host_name = s->host_name,
                                        .sources = s->sources,
                                        .source_name = l->source,
                                        .senders = s->senders,
                                        .identity = at->backend->identity,
                                        .use_tls = at->backend->use_tls,
                                        .connect_at = at->backend->connect_at,
                                        .mail_at = at->backend->mail_at,
                                        .has_tls = p->gates[i].tls != NULL,
                                        .accounts = v->worker.spool != NULL,
                                        .reserve = reserve,
                                        .spool = v->worker.spool,
                                        .headers = s->wanted.header,
                                        .header_count = s->wanted.header_count,
                                        .memory = &at->offer};
        gates_watch(&v->gates, g, p->gates[i].fd);
    }
}

static bool make_memory(struct server *v)
{
    const struct settings *s = v->worker.settings;

    v->station_count = s->backend_count;
    v->stations = calloc(v->station_count, sizeof *v->stations);
    v->worker.base = loop_new();
    return v->stations && v->worker.base &&
           gates_init(&v->gates, &v->worker, s->smtp_listener_count);
}

static bool open_spool(struct server *v)
{
    const struct prepared *p = v->child->prepared;
    const struct settings *s = v->worker.settings;
    char why[512];

    if (!settings_has_accounts(s))
        return true;
    v->worker.spool = spool_open(s->global.spool_directory, "received", why, sizeof why);
    if (!v->worker.spool)
        log_say(LOG_FAULT, "", "no-spool", {"why", span_of(why)});
    if (v->worker.spool && p->syncer < 0)
        spool_map(v->worker.spool);
    else if (v->worker.spool)
        v->worker.commit = commit_new(v->worker.base, p->syncer, v->worker.spool, COMMIT_PATIENCE);
    v->worker.receipts = receipts_new(v->worker.spool);
    return v->worker.spool && v->worker.receipts && (p->syncer < 0 || v->worker.commit);
}

static bool begin(struct server *v)
{
    const struct prepared *p = v->child->prepared;

    blocks_keep();
    v->worker.settings = v->child->settings;
    LIST_INIT(&v->worker.sessions);
    entries_init(&v->worker.entries, p->table, v->child->slot);
    v->worker.slots = (struct slots){.tally = p->tally,
                                     .strikes = p->strikes,
                                     .part = v->child->slot,
                                     .total = v->worker.settings->global.total_max_smtp_in};
    if (!make_memory(v) || !open_spool(v))
        return false;
    if (!make_stations(v))
        return false;
    turn_init(&v->worker.turn, v->worker.base, &session_faces);
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
    commit_free(&v->worker.commit);
    receipts_free(&v->worker.receipts);
    spool_close(&v->worker.spool);
    if (v->worker.base)
        event_base_free(v->worker.base);
    gates_clear(&v->gates);
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
