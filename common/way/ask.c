/* SPDX-License-Identifier: Apache-2.0 */
#include "way/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/conn.h"
#include "net/watch.h"
#include "way/recent.h"

static const double again_after = 0.5; /* seconds, where the facts process is not there */

/* One that the loop has yet to hand over. */
struct parcel {
    STAILQ_ENTRY(parcel) link;
    struct answer answer; /* as long as it is */
};

struct line {
    int listener; /* borrowed; -1: `hears` is asked in its place */
    line_hear_fn *hears;
    void *hears_arg;
    STAILQ_HEAD(, parcel) told;
    int fd; /* ours; -1: none */
    struct watch watch;
    struct alarm again;
    struct recent *recent;      /* ours; NULL: nothing is kept */
    TAILQ_HEAD(asks, ask) open; /* in the order of their asking */
    uint32_t number;
    unsigned dialled; /* so many times */
    void (*tells)(void *arg);
    void *arg;
    void (*forgets)(void *arg);
    void *forgetful;
};

static void hang_up(struct line *l)
{
    struct ask *a;

    watch_want(&l->watch, -1, 0);
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    TAILQ_FOREACH(a, &l->open, link)
    a->sent = false;
}

static void dial(struct line *l)
{
    struct sockaddr_un to;
    socklen_t len = sizeof to;

    if (getsockname(l->listener, (struct sockaddr *)&to, &len) != 0)
        return;
    l->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (l->fd >= 0 && connect(l->fd, (struct sockaddr *)&to, len) != 0)
        hang_up(l);
    l->dialled++;
    if (l->fd >= 0 && l->tells)
        l->tells(l->arg);
}

void line_tells(struct line *l, void (*fn)(void *arg), void *arg)
{
    l->tells = fn;
    l->arg = arg;
}

void line_forgets(struct line *l, void (*fn)(void *arg), void *arg)
{
    l->forgets = fn;
    l->forgetful = arg;
}

bool line_send(struct line *l, const void *bytes, size_t len)
{
    if (l->fd < 0 && TAILQ_EMPTY(&l->open)) {
        dial(l);
        if (l->fd >= 0)
            watch_want(&l->watch, l->fd, CONN_IN);
    }
    if (l->fd < 0)
        return false;
    return send(l->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

unsigned line_number(const struct line *l)
{
    return l->dialled;
}

static void hear(struct line *l)
{
    struct ask *a;

    TAILQ_FOREACH(a, &l->open, link)
    {
        if (!a->sent) {
            a->sent = true;
            l->hears(l->hears_arg, &a->q);
        }
    }
}

/* All that has not gone yet goes now, as far as there is room. */
static void push(struct line *l)
{
    unsigned needs = CONN_IN;
    struct ask *a;

    if (l->hears) {
        hear(l);
        return;
    }
    if (l->fd < 0)
        dial(l);
    TAILQ_FOREACH(a, &l->open, link)
    {
        if (l->fd < 0 || needs != CONN_IN)
            break;
        if (a->sent)
            continue;
        a->sent = send(l->fd, &a->q, sizeof a->q, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof a->q;
        if (a->sent)
            continue;
        if (errno == EAGAIN || errno == EINTR)
            needs |= CONN_OUT;
        else
            hang_up(l);
    }
    if (l->fd >= 0)
        watch_want(&l->watch, l->fd, needs);
    else
        alarm_set(&l->again, again_after);
}

static void on_again(void *arg)
{
    struct line *l = arg;

    if (!TAILQ_EMPTY(&l->open))
        push(l);
}

static void settle(struct line *l, const struct answer *answer)
{
    struct ask *a;

    if (answer->kind == QUESTION_GONE && l->forgets)
        l->forgets(l->forgetful);
    TAILQ_FOREACH(a, &l->open, link)
    {
        if (a->q.number != answer->number)
            continue;
        recent_put(l->recent, &a->q, answer, clock_mono());
        ask_cancel(a);
        a->fn(a, answer);
        return;
    }
}

static void on_ready(void *arg)
{
    struct line *l = arg;
    struct answer answer;
    ssize_t len = 0;

    while (l->fd >= 0 && (len = recv(l->fd, &answer, sizeof answer, MSG_DONTWAIT)) > 0)
        if (answer_is_whole(&answer, (size_t)len))
            settle(l, &answer);
    if (l->fd >= 0 && (len == 0 || (errno != EAGAIN && errno != EINTR))) {
        hang_up(l);
        alarm_set(&l->again, again_after);
        return;
    }
    push(l);
}

static struct line *line_made(struct event_base *base, watch_fn *again)
{
    struct line *l = calloc(1, sizeof *l);

    if (!l)
        return NULL;
    l->listener = l->fd = -1;
    TAILQ_INIT(&l->open);
    STAILQ_INIT(&l->told);
    watch_init(&l->watch, base, on_ready, l);
    alarm_init(&l->again, base, again, l);
    l->recent = recent_new();
    return l;
}

struct line *line_new(struct event_base *base, int listener)
{
    struct line *l = line_made(base, on_again);

    if (!l)
        return NULL;
    l->listener = listener;
    push(l);
    return l;
}

static void hand_over(void *arg)
{
    struct line *l = arg;
    struct parcel *t;

    while ((t = STAILQ_FIRST(&l->told))) {
        STAILQ_REMOVE_HEAD(&l->told, link);
        settle(l, &t->answer);
        free(t);
    }
}

struct line *line_within(struct event_base *base, line_hear_fn *fn, void *arg)
{
    struct line *l = line_made(base, hand_over);

    if (!l)
        return NULL;
    l->hears = fn;
    l->hears_arg = arg;
    return l;
}

void line_answer(struct line *l, const struct answer *a)
{
    size_t size = answer_size(a);
    struct parcel *t = malloc(offsetof(struct parcel, answer) + size);

    if (!t)
        return; /* the asker has a limit of its own */
    memcpy(&t->answer, a, size);
    STAILQ_INSERT_TAIL(&l->told, t, link);
    alarm_set(&l->again, 0);
}

void line_free(struct line **l)
{
    struct parcel *t;

    if (!*l)
        return;
    while ((t = STAILQ_FIRST(&(*l)->told))) {
        STAILQ_REMOVE_HEAD(&(*l)->told, link);
        free(t);
    }
    hang_up(*l);
    alarm_stop(&(*l)->again);
    recent_free(&(*l)->recent);
    free(*l);
    *l = NULL;
}

const struct answer *line_recall(struct line *l, enum question_kind kind, const char *name,
                                 unsigned port)
{
    struct question q = {.kind = kind, .port = port};

    if (!l->recent)
        return NULL;
    text_copy(q.name, sizeof q.name, span_of(name));
    return recent_get(l->recent, &q, clock_mono());
}

void ask_about(struct ask *a, struct line *l, enum question_kind kind, const char *name,
               unsigned port, ask_fn *fn, void *arg)
{
    *a = (struct ask){
        .line = l, .q = {.number = ++l->number, .kind = kind, .port = port}, .fn = fn, .arg = arg};
    text_copy(a->q.name, sizeof a->q.name, span_of(name));
    TAILQ_INSERT_TAIL(&l->open, a, link);
    push(l);
}

void ask_start(struct ask *a, struct line *l, enum question_kind kind, const char *name, ask_fn *fn,
               void *arg)
{
    ask_about(a, l, kind, name, 0, fn, arg);
}

void ask_cancel(struct ask *a)
{
    if (!a->line)
        return;
    TAILQ_REMOVE(&a->line->open, a, link);
    a->line = NULL;
}
