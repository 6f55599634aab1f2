/* SPDX-License-Identifier: Apache-2.0
 *
 * side - one of a session's two connections, and what the loop watches of it.
 */
#pragma once

#include "net/conn.h"
#include "net/loop.h"

struct side {
    struct conn conn;
    struct event watch;
    short watched;    /* what the loop looks for now */
    bool sated;       /* nothing more is to be read until the loop says so */
    uint64_t in, out; /* bytes */
};

/* `fd` is ours from here; -1: not connected yet. */
void side_init(struct side *s, int fd);
void side_clear(struct side *s);

static inline bool side_is_open(const struct side *s)
{
    return s->conn.fd >= 0;
}

/* The loop calls `fn` with `arg` when the socket is ready for `events` (EV_READ, EV_WRITE); 0
 * for none. The only place that starts or stops a watcher. */
void side_watch(struct side *s, struct event_base *base, short events, event_callback_fn fn,
                void *arg);
