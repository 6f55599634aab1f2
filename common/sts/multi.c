/* SPDX-License-Identifier: Apache-2.0 */
#include "sts/multi.h"

#include <stdlib.h>

#include "net/conn.h"

/* A descriptor that libcurl wants watched. */
struct socket_watch {
    struct multi *multi;
    curl_socket_t fd;
    struct watch watch;
};

static void take_finished(struct multi *m)
{
    CURLMsg *said;
    int left;

    while ((said = curl_multi_info_read(m->curl, &left))) {
        void *one = NULL;
        CURLcode code = said->data.result;

        if (said->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(said->easy_handle, CURLINFO_PRIVATE, &one);
        m->fn(one, code);
    }
}

static void go_on(struct multi *m, curl_socket_t fd)
{
    int running;

    curl_multi_socket_action(m->curl, fd, 0, &running);
    take_finished(m);
}

static void on_ready(void *arg)
{
    struct socket_watch *w = arg;

    go_on(w->multi, w->fd); /* which may be its end */
}

static void on_time(void *arg)
{
    go_on(arg, CURL_SOCKET_TIMEOUT);
}

static int want_time(CURLM *curl, long milliseconds, void *arg)
{
    struct multi *m = arg;

    (void)curl;
    if (milliseconds < 0)
        alarm_stop(&m->alarm);
    else
        alarm_set(&m->alarm, (double)milliseconds / 1000);
    return 0;
}

static void forget_socket(struct multi *m, curl_socket_t fd, struct socket_watch *w)
{
    if (!w)
        return;
    watch_want(&w->watch, -1, 0);
    curl_multi_assign(m->curl, fd, NULL);
    free(w);
}

static int want_socket(CURL *easy, curl_socket_t fd, int what, void *arg, void *known)
{
    struct multi *m = arg;
    struct socket_watch *w = known;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        forget_socket(m, fd, w);
        return 0;
    }
    if (!w) {
        if (!(w = calloc(1, sizeof *w)))
            return -1;
        *w = (struct socket_watch){.multi = m, .fd = fd};
        watch_init(&w->watch, m->base, on_ready, w);
        curl_multi_assign(m->curl, fd, w);
    }
    watch_want(&w->watch, fd,
               (what & CURL_POLL_IN ? CONN_IN : 0u) | (what & CURL_POLL_OUT ? CONN_OUT : 0u));
    return 0;
}

bool multi_init(struct multi *m, struct event_base *base, multi_fn *fn)
{
    *m = (struct multi){.base = base, .fn = fn, .curl = curl_multi_init()};
    alarm_init(&m->alarm, base, on_time, m);
    return m->curl &&
           curl_multi_setopt(m->curl, CURLMOPT_SOCKETFUNCTION, want_socket) == CURLM_OK &&
           curl_multi_setopt(m->curl, CURLMOPT_SOCKETDATA, m) == CURLM_OK &&
           curl_multi_setopt(m->curl, CURLMOPT_TIMERFUNCTION, want_time) == CURLM_OK &&
           curl_multi_setopt(m->curl, CURLMOPT_TIMERDATA, m) == CURLM_OK;
}

void multi_clear(struct multi *m)
{
    if (m->curl)
        curl_multi_cleanup(m->curl);
    m->curl = NULL;
    alarm_stop(&m->alarm);
}
