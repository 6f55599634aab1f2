/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/server.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/block.h"
#include "base/clock.h"
#include "keep/secret.h"
#include "net/listen.h"
#include "net/records.h"
#include "net/slack.h"
#include "proxy-out/mapper.h"
#include "proxy-out/prepare.h"
#include "proxy-out/seen.h"
#include "proxy-out/session.h"
#include "run/daemon.h"
#include "smtp/envid.h"
#include "tell/log.h"

enum {
    ACCEPT_MAX = 32, /* of one listener at a time; then others have their turn */
    TELL_EVERY = 60, /* seconds between log lines that say the same */
};

struct door {
    struct server *server;
    const struct relay_listener *listener;
    int fd; /* borrowed */
    struct watch watch;
    struct mapper *mapper;
};

struct server {
    struct worker worker;
    struct child *child;
    struct door *doors;
    size_t count;
    struct watch orders;
    struct alarm tick;
    unsigned long most; /* sessions at a time */
    bool paused;
    double told;
};

static struct server *server_of(struct worker *w)
{
    return (struct server *)((char *)w - offsetof(struct server, worker));
}

static void listen_on(struct server *v, bool on)
{
    v->paused = !on;
    for (size_t i = 0; i < v->count; i++)
        watch_want(&v->doors[i].watch, v->doors[i].fd, on ? CONN_IN : 0);
}

/* Sessions go on; callers wait in the backlog until there is room again. */
static void pause_accepting(struct server *v, const char *why)
{
    double now = clock_mono();

    if (v->told == 0 || now - v->told > TELL_EVERY)
        log_say(LOG_FAULT, "", "accepting-pauses", {"why", span_of(why)});
    v->told = now;
    listen_on(v, false);
}

static void on_client(void *arg)
{
    struct door *d = arg;
    struct server *v = d->server;

    for (unsigned n = 0; n < ACCEPT_MAX && !v->paused; n++) {
        struct addr client;
        bool full = false;
        int fd = listen_accept(d->fd, &client, &full);

        if (full)
            pause_accepting(v, "out of descriptors: raise the limit of open files");
        if (fd < 0)
            return;
        session_start(&v->worker, d->listener, fd, &client);
        if (v->worker.count >= v->most)
            pause_accepting(v, "max-sessions is reached");
    }
}

static void leave_if_done(struct server *v)
{
    if (v->worker.draining && v->worker.count == 0 && pool_count(v->worker.pool) == 0)
        event_base_loopbreak(v->worker.base);
}

void worker_left(struct worker *w)
{
    struct server *v = server_of(w);

    if (v->paused && !w->draining)
        listen_on(v, true);
    leave_if_done(v);
}

static void drain(struct server *v)
{
    v->worker.draining = true;
    watch_want(&v->orders, -1, 0);
    listen_on(v, false);
    for (size_t i = 0; i < v->count; i++)
        if (v->doors[i].mapper)
            mapper_drain(v->doors[i].mapper);
    /* Else the kernel would go on to take callers whom nobody answers, and no other may listen. */
    prepare_stopping(v->child->prepared);
    pool_drain(v->worker.pool);
    sessions_drain(&v->worker);
    leave_if_done(v);
}

static void on_orders(void *arg)
{
    struct server *v = arg;

    if (child_should_drain(v->child) && !v->worker.draining)
        drain(v);
}

static void on_tick(void *arg)
{
    struct server *v = arg;

    alarm_set(&v->tick, 1);
    records_rest();
    (void)slack_rest();
    if (v->paused && !v->worker.draining && v->worker.count < v->most)
        listen_on(v, true);
    if (v->worker.draining)
        sessions_drain(&v->worker);
    leave_if_done(v);
}

static bool open_doors(struct server *v)
{
    const struct prepared *p = v->child->prepared;
    const struct settings *s = v->worker.settings;

    if (!(v->doors = calloc(p->count + 1, sizeof *v->doors)))
        return false;
    for (v->count = 0; v->count < p->count; v->count++) {
        struct door *d = &v->doors[v->count];
        int map_fd = p->doors[v->count].map_fd;

        *d = (struct door){
            .server = v, .listener = &s->relay_listeners[v->count], .fd = p->doors[v->count].fd};
        watch_init(&d->watch, v->worker.base, on_client, d);
        if (map_fd >= 0 && !(d->mapper = mapper_new(v->worker.base, d->listener, map_fd)))
            return false;
    }
    return true;
}

static bool open_spool(struct server *v)
{
    const struct prepared *p = v->child->prepared;
    const struct settings *s = v->worker.settings;
    char why[512];

    if (s->acct_file_count == 0)
        return true;
    v->worker.spool = spool_open(s->global.spool_directory, "delivered", why, sizeof why);
    if (!v->worker.spool)
        log_say(LOG_FAULT, "", "no-spool", {"why", span_of(why)});
    if (v->worker.spool && p->syncer < 0)
        spool_map(v->worker.spool);
    else if (v->worker.spool)
        v->worker.commit = commit_new(v->worker.base, p->syncer, v->worker.spool, COMMIT_PATIENCE);
    return v->worker.spool != NULL && (p->syncer < 0 || v->worker.commit);
}

/* Without it ENVID is the client's, whatever it says. */
static void open_key(struct worker *w)
{
    char why[4400];

    w->has_key =
        secret_open(w->settings->global.state_directory, ENVID_KEY, w->key, why, sizeof why) == 0;
    if (!w->has_key)
        log_say(LOG_FAULT, "", "no-envid-key", {"why", span_of(why)},
                {"then", SPAN("queue ids in ENVID are not believed")});
}

void worker_ids(const struct worker *w, const struct relay_listener *l, struct ids *out)
{
    const char *wrong;

    (void)!ids_read(&l->queue_id, out, &wrong); /* checked when the configuration was read */
    out->has_key = w->has_key;
    memcpy(out->key, w->key, sizeof out->key);
}

static void on_forgotten(void *arg)
{
    struct worker *w = arg;

    broken_clear(w->broken);
    seen_clear(w->seen);
    teller_forget(w->teller);
}

static bool begin(struct server *v)
{
    const struct prepared *p = v->child->prepared;
    struct worker *w = &v->worker;

    blocks_keep();
    w->settings = v->child->settings;
    (void)snprintf(w->greeting, sizeof w->greeting, RELAY_GREETING, w->settings->host_name);
    v->most = listen_capacity(w->settings->global.max_sessions);
    w->manners = p->manners;
    w->hints = p->hints;
    LIST_INIT(&w->sessions);
    own_find(&w->own, w->settings);
    open_key(w);
    if (!(w->base = loop_new()) || !(w->line = line_new(w->base, p->facts)) ||
        !(w->teller = teller_new(w->base, w->line, w->hints)) || !(w->seen = seen_new()) ||
        !(w->pool = pool_new(w->base, v->most)) || !(w->resume = resume_new()) ||
        !(w->broken = broken_new()) || !(w->unreached = broken_new()) || !open_spool(v) ||
        !open_doors(v))
        return false;
    turn_init(&w->turn, w->base, &session_faces);
    line_forgets(w->line, on_forgotten, w);
    watch_init(&v->orders, w->base, on_orders, v);
    watch_want(&v->orders, v->child->orders, CONN_IN);
    alarm_init(&v->tick, w->base, on_tick, v);
    alarm_set(&v->tick, 1);
    listen_on(v, true);
    child_ready(v->child);
    return true;
}

static void clear(struct server *v)
{
    struct worker *w = &v->worker;

    for (size_t i = 0; i < v->count; i++) {
        watch_want(&v->doors[i].watch, -1, 0);
        mapper_free(&v->doors[i].mapper);
    }
    if (w->base) {
        watch_want(&v->orders, -1, 0);
        alarm_stop(&v->tick);
    }
    pool_free(&w->pool);
    resume_free(&w->resume);
    seen_free(&w->seen);
    teller_free(&w->teller);
    broken_free(&w->broken);
    broken_free(&w->unreached);
    line_free(&w->line);
    commit_free(&w->commit);
    spool_close(&w->spool);
    own_clear(&w->own);
    if (w->base)
        event_base_free(w->base);
    free(v->doors);
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
