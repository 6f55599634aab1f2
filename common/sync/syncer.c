/* SPDX-License-Identifier: Apache-2.0 */
#include "sync/syncer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "conf/settings.h"
#include "sync/order.h"
#include "tell/log.h"
#include "tell/spool.h"

/* Of workers at a time; a thread needs little, for it only waits. */
enum { WORKERS_MOST = 1024, STACK = 256 << 10 };

/* How often it looks whether the last worker has gone, in milliseconds. */
enum { LEAVING = 100 };

struct desk {
    int fd;              /* ours; a worker's line */
    int segment, folder; /* ours; -1: none */
    int error;           /* the first since the last answer */
};

static atomic_uint desks;

static void note_error(struct desk *d, int done)
{
    if (done != 0 && d->error == 0)
        d->error = errno;
}

static void put_away(struct desk *d)
{
    if (d->segment >= 0)
        close(d->segment);
    if (d->folder >= 0)
        close(d->folder);
    d->segment = d->folder = -1;
}

/* What the one before still had to write is part of the next answer. */
static void take_segment(struct desk *d, const int both[2])
{
    if (d->segment >= 0)
        note_error(d, fdatasync(d->segment));
    put_away(d);
    d->segment = both[0];
    d->folder = both[1];
    note_error(d, fsync(d->folder));
}

/* An order; descriptors in `both`, or -1. False: that was the last. */
static bool hear(const struct desk *d, struct sync_order *order, int both[2])
{
    struct iovec part = {order, sizeof *order};
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(2 * sizeof(int))];
    } control;
    struct msghdr m = {.msg_iov = &part,
                       .msg_iovlen = 1,
                       .msg_control = control.room,
                       .msg_controllen = sizeof control.room};
    ssize_t len;

    both[0] = both[1] = -1;
    do
        len = recvmsg(d->fd, &m, MSG_CMSG_CLOEXEC);
    while (len < 0 && errno == EINTR);
    if (len != sizeof *order)
        return false;
    if (m.msg_controllen > 0 && control.head.cmsg_type == SCM_RIGHTS &&
        control.head.cmsg_len == CMSG_LEN(2 * sizeof(int)))
        memcpy(both, CMSG_DATA(&control.head), 2 * sizeof(int));
    return true;
}

static bool answer(struct desk *d, uint64_t number)
{
    struct sync_done done = {.number = number};

    if (d->segment < 0)
        d->error = EBADF;
    else
        note_error(d, fdatasync(d->segment));
    done.error = d->error;
    d->error = 0;
    return send(d->fd, &done, sizeof done, MSG_NOSIGNAL) == sizeof done;
}

static void *serve_desk(void *arg)
{
    struct desk *d = arg;
    struct sync_order order;
    int both[2];
    bool goes_on = true;

    while (goes_on && hear(d, &order, both)) {
        if (both[0] >= 0)
            take_segment(d, both);
        else
            goes_on = answer(d, order.number);
    }
    put_away(d);
    close(d->fd);
    free(d);
    atomic_fetch_sub(&desks, 1);
    return NULL;
}

/* Everybody on the machine can see the socket, so ask who it is. */
static bool is_ours(int fd)
{
    struct ucred who;
    socklen_t len = sizeof who;

    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
           (who.uid == geteuid() || who.uid == 0);
}

/* Who cannot be served calls again. */
static void take_worker(int listener)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    struct desk *d = fd >= 0 && is_ours(fd) ? malloc(sizeof *d) : NULL;
    pthread_attr_t small;
    pthread_t thread;

    if (fd < 0)
        return;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK);
    pthread_attr_setdetachstate(&small, PTHREAD_CREATE_DETACHED);
    if (d)
        *d = (struct desk){.fd = fd, .segment = -1, .folder = -1};
    if (d && atomic_fetch_add(&desks, 1) < WORKERS_MOST &&
        pthread_create(&thread, &small, serve_desk, d) == 0)
        fd = -1;
    else if (d)
        atomic_fetch_sub(&desks, 1);
    if (fd >= 0) {
        free(d);
        close(fd);
    }
    pthread_attr_destroy(&small);
}

/* The spool as it was when it was last synced. */
struct sweep {
    const char *folder;
    struct spool_segment *seen; /* ours */
    size_t count;
    bool complained;
};

static const struct spool_segment *find(const struct sweep *w, const char *name)
{
    for (size_t i = 0; i < w->count; i++)
        if (strcmp(w->seen[i].name, name) == 0)
            return &w->seen[i];
    return NULL;
}

/* 0, or what went wrong; what is gone needs nothing. */
static int sync_name(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    int error = 0;

    if (fd < 0)
        return errno == ENOENT ? 0 : errno;
    if (fdatasync(fd) != 0)
        error = errno;
    close(fd);
    return error;
}

/* Segments that are new or have grown, then the folder if there were new ones. */
static int sync_grown(const struct sweep *w, int folder, const struct spool_segment *now,
                      size_t count)
{
    bool fresh = false;
    int error = 0;

    for (size_t i = 0; i < count && !error; i++) {
        const struct spool_segment *was = find(w, now[i].name);

        fresh = fresh || !was;
        if (!was || was->size != now[i].size)
            error = sync_name(folder, now[i].name);
    }
    return !error && fresh && fsync(folder) != 0 ? errno : error;
}

static void tell(struct sweep *w, int error)
{
    if (error && !w->complained)
        log_say(LOG_FAULT, "", "not-synced", {"why", span_of(strerror(error))},
                {"then", SPAN("records may be lost with the power; tried again")});
    w->complained = error != 0;
}

static void sweep(struct sweep *w)
{
    struct spool_segment *now = NULL;
    int folder = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
    size_t count = folder >= 0 ? spool_list(w->folder, &now) : (size_t)-1;

    if (count == (size_t)-1)
        error = errno;
    else
        error = sync_grown(w, folder, now, count);
    tell(w, error);
    if (!error) {
        free(w->seen);
        w->seen = now;
        w->count = count;
    } else {
        free(now);
    }
    if (folder >= 0)
        close(folder);
}

unsigned syncer_count(const struct settings *s)
{
    return settings_sync(s) != ACCT_SYNC_NONE;
}

int syncer_run(struct child *child, int listener)
{
    const struct global *g = &child->settings->global;
    struct sweep w = {.folder = g->spool_directory};
    double due = clock_mono() + (double)g->sync_interval;
    bool leaves = false;

    child_ready(child);
    while (!leaves || atomic_load(&desks) > 0) {
        struct pollfd on[] = {{.fd = leaves ? -1 : child->orders, .events = POLLIN},
                              {.fd = listener, .events = POLLIN}};
        double left = due - clock_mono();

        (void)poll(on, 2, left <= 0 ? 0 : leaves ? LEAVING : (int)(left * 1000) + 1);
        if (on[1].revents)
            take_worker(listener);
        leaves = leaves || child_should_drain(child);
        if (clock_mono() >= due) {
            sweep(&w);
            due = clock_mono() + (double)g->sync_interval;
        }
    }
    sweep(&w);
    free(w.seen);
    return 0;
}
