/* SPDX-License-Identifier: Apache-2.0 */
#include "run/seat.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "conf/settings.h"
#include "run/brood.h"
#include "tell/log.h"

/* Seconds. libmilter takes up to 6 to stop. */
enum { READY_LIMIT = 120, END_LIMIT = 10, PAUSE_FIRST = 1, PAUSE_MOST = 30, GOOD_LIFE = 60 };

static void close_orders(struct seat *s)
{
    if (s->orders >= 0)
        close(s->orders); /* epoll forgets it by itself */
    s->orders = -1;
}

static bool is_slot_taken(const struct brood *b, const struct role *role, int slot)
{
    for (const struct generation *g = b->newest; g; g = g->older)
        for (size_t i = 0; i < g->count; i++)
            if (g->seats[i].role == role && g->seats[i].slot == slot)
                return true;
    return false;
}

static int free_slot(const struct brood *b, const struct role *role)
{
    int slot = 0;

    while (is_slot_taken(b, role, slot))
        slot++;
    return slot;
}

static void leave_seat(struct seat *s)
{
    s->state = SEAT_EMPTY;
    s->slot = SLOT_NONE;
}

/* An exclusive role's child starts once its generation takes over and all of the others' are gone.
 */
static bool may_start(const struct seat *s, const struct brood *b)
{
    if (!s->role->exclusive)
        return true;
    if (s->of->phase == GENERATION_COMES)
        return false;
    for (const struct generation *g = b->newest; g; g = g->older)
        for (size_t i = 0; g != s->of && i < g->count; i++)
            if (g->seats[i].role == s->role && seat_is_alive(&g->seats[i]))
                return false;
    return true;
}

static struct span seconds(double n)
{
    return log_number((double)(long)(n + 0.5));
}

/* The child's life. The generation stays its own copy, and goes with it. */
static void live(struct seat *s, struct brood *b, int orders)
{
    struct generation *own = s->of;
    struct child child = {own->settings, own->prepared, (unsigned)s->slot, s->number, orders};
    struct cage cage = own->cage;
    char why[256];

    for (struct generation *g = b->newest; g; g = g->older)
        for (size_t i = 0; i < g->count; i++)
            close_orders(&g->seats[i]);
    close(b->loop);
    b->in_child(b->arg);
    log_open(b->program->name, own->settings->global.log_to, own->settings->global.log_level);
    cage.net_raw = s->role->keeps_net_raw && s->role->keeps_net_raw(own->settings);
    if (!s->role->keeps_privileges && cage_child(&cage, why, sizeof why) != 0) {
        log_say(LOG_FAULT, "", "start-failed", {"role", span_of(s->role->name)},
                {"why", span_of(why)});
        exit(1);
    }
    exit(s->role->run(&child));
}

/* When it did not come to life, or not to a good one. */
static void start_again(struct seat *s, struct brood *b, double now)
{
    bool before_serving =
        s->of->phase == GENERATION_COMES || (s->of->phase == GENERATION_TAKES && !b->has_served);

    if (before_serving) {
        s->of->failed = true;
        leave_seat(s);
        return;
    }
    if (now - s->started >= GOOD_LIFE)
        s->pause = 0;
    s->state = SEAT_DUE;
    s->at = now + s->pause;
    s->pause = s->pause > 0 ? s->pause * 2 : PAUSE_FIRST;
    if (s->pause > PAUSE_MOST)
        s->pause = PAUSE_MOST;
}

static bool make_orders(struct seat *s, struct brood *b, int *theirs)
{
    struct epoll_event ev = {.events = EPOLLIN | EPOLLONESHOT, .data.ptr = s};
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
        return false;
    s->orders = ends[0];
    *theirs = ends[1];
    if (epoll_ctl(b->loop, EPOLL_CTL_ADD, s->orders, &ev) == 0)
        return true;
    close(ends[1]);
    close_orders(s);
    return false;
}

static bool give_birth(struct seat *s, struct brood *b)
{
    int theirs;

    if (!make_orders(s, b, &theirs))
        return false;
    fflush(NULL); /* or both would write what waits there */
    s->pid = fork();
    if (s->pid == 0)
        live(s, b, theirs);
    close(theirs);
    if (s->pid < 0)
        close_orders(s);
    return s->pid > 0;
}

static void start(struct seat *s, struct brood *b, double now)
{
    if (s->slot == SLOT_NONE)
        s->slot = free_slot(b, s->role);
    s->started = now;
    if (!give_birth(s, b)) {
        log_say(LOG_FAULT, "", "fork-failed", {"role", span_of(s->role->name)},
                {"why", span_of(strerror(errno))});
        start_again(s, b, now);
        return;
    }
    s->state = SEAT_STARTING;
    s->at = now + READY_LIMIT;
    log_say(LOG_LIFE, "", "child-started", {"role", span_of(s->role->name)},
            {"generation", log_number(s->of->number)}, {"slot", log_number(s->slot)},
            {"pid", log_number(s->pid)});
}

void seat_step(struct seat *s, struct brood *b, double now)
{
    if (now < seat_due(s, b))
        return;
    switch (s->state) {
    case SEAT_DUE:
        start(s, b, now);
        break;
    case SEAT_STARTING:
        log_say(LOG_FAULT, "", "child-not-ready", {"role", span_of(s->role->name)},
                {"pid", log_number(s->pid)}, {"seconds", log_number(READY_LIMIT)});
        kill(s->pid, SIGKILL);
        s->at = HUGE_VAL;
        break;
    case SEAT_DRAINING:
        seat_end(s, now);
        break;
    case SEAT_ENDING:
        seat_kill(s);
        break;
    case SEAT_EMPTY:
    case SEAT_SERVING:
    case SEAT_KILLED:
        break;
    }
}

double seat_due(const struct seat *s, const struct brood *b)
{
    switch (s->state) {
    case SEAT_DUE:
        return may_start(s, b) ? s->at : HUGE_VAL;
    case SEAT_STARTING:
    case SEAT_DRAINING:
    case SEAT_ENDING:
        return s->at;
    case SEAT_EMPTY:
    case SEAT_SERVING:
    case SEAT_KILLED:
        break;
    }
    return HUGE_VAL;
}

void seat_hear(struct seat *s)
{
    char word;

    /* Its end means that the child is dying; SIGCHLD tells the rest. */
    if (s->state == SEAT_STARTING && read(s->orders, &word, 1) == 1)
        s->state = SEAT_SERVING;
}

/* Of what, as a pair for the log. */
static struct log_pair cause(int status)
{
    if (WIFSIGNALED(status))
        return (struct log_pair){"signal", log_number(WTERMSIG(status))};
    return (struct log_pair){"exit", log_number(WEXITSTATUS(status))};
}

static void log_death(const struct seat *s, bool expected, int status, double now)
{
    log_say(expected ? LOG_LIFE : LOG_FAULT, "", expected ? "child-gone" : "child-died",
            {"role", span_of(s->role->name)}, {"generation", log_number(s->of->number)},
            {"slot", log_number(s->slot)}, {"pid", log_number(s->pid)}, cause(status),
            {"lived", seconds(now - s->started)});
}

void seat_bury(struct seat *s, struct brood *b, int status, double now)
{
    bool expected = s->state >= SEAT_DRAINING;

    log_death(s, expected, status, now);
    close_orders(s);
    if (s->role->buried)
        s->role->buried(s->of->prepared, (unsigned)s->slot);
    if (expected) {
        leave_seat(s);
        return;
    }
    start_again(s, b, now);
    if (s->state == SEAT_DUE)
        log_say(LOG_LIFE, "", "child-again", {"role", span_of(s->role->name)},
                {"slot", log_number(s->slot)}, {"seconds", seconds(s->at - now)});
}

void seat_drain(struct seat *s, double now)
{
    if (s->state == SEAT_DUE)
        leave_seat(s);
    if (s->state != SEAT_STARTING && s->state != SEAT_SERVING)
        return;
    close_orders(s);
    s->state = SEAT_DRAINING;
    s->at = now + (double)s->of->settings->global.drain_timeout;
}

void seat_end(struct seat *s, double now)
{
    if (s->state == SEAT_DUE)
        leave_seat(s);
    if (!seat_is_alive(s) || s->state >= SEAT_ENDING)
        return;
    close_orders(s);
    kill(s->pid, SIGTERM);
    s->state = SEAT_ENDING;
    s->at = now + END_LIMIT;
}

void seat_kill(struct seat *s)
{
    if (s->state == SEAT_DUE)
        leave_seat(s);
    if (!seat_is_alive(s) || s->state == SEAT_KILLED)
        return;
    kill(s->pid, SIGKILL);
    s->state = SEAT_KILLED;
}
