/* SPDX-License-Identifier: Apache-2.0
 *
 * watch - what a socket is watched for, and when it has been long enough. Both change nothing in
 * the loop where nothing changed.
 */
#pragma once

#include <stdbool.h>

#include "net/loop.h"

typedef void watch_fn(void *arg);

struct watch {
    struct event event;
    struct event_base *base; /* borrowed */
    watch_fn *fn;
    void *arg;
    int fd;
    unsigned needs;
};

/* `fn` is called once for each round of the loop in which one of the needs is met. */
void watch_init(struct watch *w, struct event_base *base, watch_fn *fn, void *arg);

/* `needs` is CONN_IN | CONN_OUT; 0: nothing, as it must be before `fd` is closed. */
void watch_want(struct watch *w, int fd, unsigned needs);

/* It is somebody else's from here, what is watched for stays: that saves two changes in the loop,
 * and a system call. */
void watch_pass(struct watch *w, watch_fn *fn, void *arg);

/* A time limit: calls once, `seconds` from now; set again, only the last counts. */
struct alarm {
    struct event event;
    watch_fn *fn;
    void *arg;
};

void alarm_init(struct alarm *a, struct event_base *base, watch_fn *fn, void *arg);
void alarm_set(struct alarm *a, double seconds);
void alarm_stop(struct alarm *a);
