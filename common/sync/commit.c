/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/commit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/conn.h"
#include "net/listen.h"
#include "net/watch.h"
#include "sync/order.h"
#include "tell/log.h"
#include "tell/spool.h"

static const double again_after = 0.5; /* seconds, where the syncer is not there */

struct commit {
    struct spool *spool; /* borrowed */
    int listener;        /* borrowed */
    int fd;              /* ours; -1: none */
    struct watch watch;
    struct alarm go, late;           /* when to ask, or to call again; for who waits the longest */
    TAILQ_HEAD(pledges, pledge) all; /* those that run, then those that gather; so by their age */
    uint64_t number;                 /* of the last order */
    bool flies;                      /* an answer is to come */
    const char *broke; /* why all that wait are to be told no; NULL: nothing happened */
    bool complained;
    double patience;
};

int commit_listen(char *why, size_t size)
{
    return listen_nameless("socket of the syncer", why, size);
}

bool pledge_waits(const struct pledge *p)
{
    return p->of != NULL;
}

static void take_out(struct pledge *p)
{
    TAILQ_REMOVE(&p->of->all, p, link);
    p->of = NULL;
}

void commit_cancel(struct pledge *p)
{
    if (p->of)
        take_out(p);
}

/* Once until it goes well again. */
static void complain(struct commit *c, const char *why)
{
    if (!c->complained)
        log_say(LOG_FAULT, "", "not-synced", {"why", span_of(why)},
                {"then", SPAN("who waits for it hears 451 4.3.0")});
    c->complained = true;
}

static void hang_up(struct commit *c)
{
    watch_want(&c->watch, -1, 0);
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->flies = false;
}

/* Told from the loop, since who writes a record may be among those who wait. */
static void break_off(struct commit *c, const char *why)
{
    c->broke = why;
    hang_up(c);
    alarm_set(&c->go, 0);
}

/* Those whose sync it was; one who asks again meanwhile is behind them. */
static void tell_running(struct commit *c, bool kept)
{
    struct pledge *p;

    while ((p = TAILQ_FIRST(&c->all)) && p->running) {
        take_out(p);
        p->fn(p->arg, kept);
    }
}

static void run_all(struct commit *c)
{
    struct pledge *p;

    TAILQ_FOREACH(p, &c->all, link)
    p->running = true;
}

/* What comes later goes into a new segment, since the pages that failed count as written. */
static void fail_all(struct commit *c)
{
    const char *why = c->broke;

    c->broke = NULL;
    if (TAILQ_EMPTY(&c->all))
        return;
    complain(c, why);
    spool_abandon(c->spool);
    run_all(c);
    tell_running(c, false);
}

/* Two descriptors travel with it. */
static bool send_segment(int fd, int segment, int folder)
{
    struct sync_order order = {.number = 0};
    struct iovec part = {&order, sizeof order};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control = {.room = {0}};
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof control.room};
    int both[2] = {segment, folder};

    control.head.cmsg_level = SOL_SOCKET;
    control.head.cmsg_type = SCM_RIGHTS;
    control.head.cmsg_len = CMSG_LEN(sizeof both);
    memcpy(CMSG_DATA(&control.head), both, sizeof both);
    return sendmsg(fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof order;
}

static void on_segment(void *arg, int segment, int folder)
{
    struct commit *c = arg;

    if (c->fd >= 0 && !send_segment(c->fd, segment, folder))
        break_off(c, "the syncer does not take a segment");
}

static void dial(struct commit *c)
{
    struct sockaddr_un to;
    socklen_t len = sizeof to;

    if (getsockname(c->listener, (struct sockaddr *)&to, &len) != 0)
        return;
    c->fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd >= 0 && connect(c->fd, (struct sockaddr *)&to, len) != 0)
        hang_up(c);
    if (c->fd < 0)
        return;
    watch_want(&c->watch, c->fd, CONN_IN);
    spool_watch(c->spool, on_segment, c); /* the one that is there, too */
}

/* All that gather. */
static void fly(struct commit *c)
{
    struct sync_order order = {.number = c->number + 1};

    if (c->fd < 0 || c->flies || TAILQ_EMPTY(&c->all))
        return;
    if (send(c->fd, &order, sizeof order, MSG_DONTWAIT | MSG_NOSIGNAL) != sizeof order) {
        break_off(c, "the syncer does not hear");
        return;
    }
    c->number++;
    c->flies = true;
    run_all(c);
}

static void on_go(void *arg)
{
    struct commit *c = arg;

    if (c->broke) {
        fail_all(c);
        alarm_set(&c->go, again_after);
        return;
    }
    if (c->fd < 0)
        dial(c);
    if (c->fd < 0)
        alarm_set(&c->go, again_after);
    fly(c);
}

static void on_late(void *arg)
{
    struct commit *c = arg;
    double until = clock_mono() - c->patience;
    struct pledge *p;

    while ((p = TAILQ_FIRST(&c->all)) && p->since <= until) {
        complain(c, "the disk takes too long");
        take_out(p);
        p->fn(p->arg, false);
    }
    if (p)
        alarm_set(&c->late, p->since - until);
}

static void take_done(struct commit *c, const struct sync_done *done)
{
    if (done->error) {
        c->broke = strerror(done->error); /* the line is still good */
        fail_all(c);
        c->flies = false;
        fly(c);
        return;
    }
    if (c->complained)
        log_say(LOG_LIFE, "", "synced-again", {"why", SPAN("what stood in the way is gone")});
    c->complained = false;
    tell_running(c, true);
    c->flies = false;
    fly(c);
}

static void on_answer(void *arg)
{
    struct commit *c = arg;
    struct sync_done done;
    ssize_t len = recv(c->fd, &done, sizeof done, MSG_DONTWAIT);

    if (len < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (len != sizeof done || done.number != c->number)
        break_off(c, "the syncer is gone");
    else
        take_done(c, &done);
}

struct commit *commit_new(struct event_base *base, int listener, struct spool *spool,
                          double patience)
{
    struct commit *c = calloc(1, sizeof *c);

    if (!c)
        return NULL;
    c->spool = spool;
    c->listener = listener;
    c->patience = patience;
    c->fd = -1;
    TAILQ_INIT(&c->all);
    watch_init(&c->watch, base, on_answer, c);
    alarm_init(&c->go, base, on_go, c);
    alarm_init(&c->late, base, on_late, c);
    dial(c);
    return c;
}

void commit_free(struct commit **c)
{
    if (!*c)
        return;
    spool_watch((*c)->spool, NULL, NULL);
    hang_up(*c);
    alarm_stop(&(*c)->go);
    alarm_stop(&(*c)->late);
    free(*c);
    *c = NULL;
}

void commit_ask(struct commit *c, struct pledge *p, pledge_fn *fn, void *arg)
{
    bool first;

    commit_cancel(p); /* twice in the list would make it a ring */
    first = TAILQ_EMPTY(&c->all);
    *p = (struct pledge){.of = c, .since = clock_mono(), .fn = fn, .arg = arg};
    TAILQ_INSERT_TAIL(&c->all, p, link);
    if (first)
        alarm_set(&c->late, c->patience);
    /* Who else asks in this round of the loop comes along. */
    if (!c->flies && !c->broke)
        alarm_set(&c->go, 0);
}
