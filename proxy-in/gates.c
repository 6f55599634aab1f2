/* SPDX-License-Identifier: Apache-2.0 */
#include "gates.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "net/listen.h"
#include "session.h"
#include "tell/log.h"

/* At a time, so that other workers take their share of a crowd. */
enum { ACCEPT_MAX = 2 };

/* Seconds between log lines that say the same. */
enum { TELL_EVERY = 60 };

/* Of a second: how soon is seen that another worker has a slot to spare. */
enum { RETRY_USEC = 50000 };

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

/* What the loop watches follows from what is so. */
static void settle(struct gates *all)
{
    bool awaits = false;

    for (struct gate *g = all->at; g < all->at + all->count; g++) {
        bool watch = all->open && !all->full && !g->awaits;

        awaits |= all->open && g->awaits;
        if (watch != g->watched)
            (void)(watch ? event_add(&g->watch, NULL) : event_del(&g->watch));
        g->watched = watch;
    }
    if (awaits && !evtimer_pending(&all->retry, NULL))
        event_add(&all->retry, &(struct timeval){.tv_usec = RETRY_USEC});
}

/* No descriptors: sessions go on, and the next one that ends lets us accept again. */
static void pause_accepting(struct gates *all)
{
    double now = clock_mono();

    if (all->told == 0 || now - all->told > TELL_EVERY)
        log_say(LOG_FAULT, "", "no-descriptors",
                {"why", SPAN("accepting pauses; raise the limit of open files")});
    all->told = now;
    all->full = true;
}

static bool has_slot(const struct gate *g)
{
    return g->worker->count < g->all->most && slots_are_free(&g->worker->slots, g->listener);
}

/* False: nobody is there, or is let in now. */
static bool accept_one(struct gate *g, int fd)
{
    struct worker *w = g->worker;
    struct addr client;
    unsigned held = 0;
    bool has = w->count < g->all->most && slots_enter(&w->slots, g->listener, &held);
    bool full = false;

    if (!has && g->listener->await_slot) {
        g->awaits = true;
        return false;
    }

    int got = listen_accept(fd, &client, &full);

    if (full)
        pause_accepting(g->all);
    if (got >= 0 && has && station_is_safe(g->station)) {
        session_start(g, got, &client, held);
        return true;
    }
    slots_leave(&w->slots, g->listener, NULL, &held);
    if (got >= 0)
        turn_away(got, g, &client, has ? REASON_NOT_PROBED : REASON_CROWDED,
                  has ? "Mail server not available, try again later"
                      : "Too many sessions, try again later");
    return got >= 0;
}

static void on_client(int fd, short events, void *arg)
{
    struct gate *g = arg;

    (void)events;
    for (unsigned n = 0; n < ACCEPT_MAX && accept_one(g, fd); n++)
        ;
    settle(g->all);
}

void gates_retry(struct gates *all)
{
    all->full = false;
    for (struct gate *g = all->at; g < all->at + all->count; g++)
        g->awaits = g->awaits && !has_slot(g);
    settle(all);
}

static void on_retry(int fd, short events, void *arg)
{
    (void)fd;
    (void)events;
    gates_retry(arg);
}

bool gates_init(struct gates *all, struct worker *w, size_t count)
{
    *all = (struct gates){.at = calloc(count, sizeof *all->at), .count = count, .worker = w};
    all->most = listen_capacity(w->settings->global.max_sessions);
    evtimer_assign(&all->retry, w->base, on_retry, all);
    return all->at;
}

void gates_watch(struct gates *all, struct gate *gate, int fd)
{
    gate->all = all;
    event_assign(&gate->watch, all->worker->base, fd, EV_READ | EV_PERSIST, on_client, gate);
}

void gates_clear(struct gates *all)
{
    free(all->at);
    *all = (struct gates){.at = NULL};
}

void gates_open(struct gates *all)
{
    all->open = true;
    settle(all);
}

void gates_close(struct gates *all)
{
    all->open = false;
    settle(all);
    if (all->worker)
        event_del(&all->retry);
}
