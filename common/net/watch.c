/* SPDX-License-Identifier: Apache-2.0 */
#include "net/watch.h"

#include "net/conn.h"

static void on_ready(evutil_socket_t fd, short what, void *arg)
{
    struct watch *w = arg;

    (void)fd;
    (void)what;
    w->fn(w->arg);
}

void watch_init(struct watch *w, struct event_base *base, watch_fn *fn, void *arg)
{
    *w = (struct watch){.base = base, .fn = fn, .arg = arg, .fd = -1};
}

void watch_want(struct watch *w, int fd, unsigned needs)
{
    if (w->needs == needs && (needs == 0 || w->fd == fd))
        return;
    if (w->needs != 0)
        event_del(&w->event);
    w->fd = fd;
    w->needs = needs;
    if (needs == 0)
        return;
    event_assign(
        &w->event, w->base, fd,
        (short)(EV_PERSIST | (needs & CONN_IN ? EV_READ : 0) | (needs & CONN_OUT ? EV_WRITE : 0)),
        on_ready, w);
    event_add(&w->event, NULL);
}

void watch_pass(struct watch *w, watch_fn *fn, void *arg)
{
    w->fn = fn;
    w->arg = arg;
}

static void on_time(evutil_socket_t fd, short what, void *arg)
{
    struct alarm *a = arg;

    (void)fd;
    (void)what;
    a->fn(a->arg);
}

void alarm_init(struct alarm *a, struct event_base *base, watch_fn *fn, void *arg)
{
    *a = (struct alarm){.fn = fn, .arg = arg};
    evtimer_assign(&a->event, base, on_time, a);
}

void alarm_set(struct alarm *a, double seconds)
{
    struct timeval tv = {.tv_sec = (time_t)(seconds > 0 ? seconds : 0)};

    tv.tv_usec = (suseconds_t)((seconds > 0 ? seconds - (double)tv.tv_sec : 0) * 1e6);
    event_add(&a->event, &tv);
}

void alarm_stop(struct alarm *a)
{
    event_del(&a->event);
}
