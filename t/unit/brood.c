/* SPDX-License-Identifier: Apache-2.0
 *
 * Real children, and a clock that is ours: nothing here waits for time to pass.
 */
#include "run/brood.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "conf/settings.h"
#include "tell/log.h"

enum { DRAIN = 7, COUNT = 2, WAIT_MS = 20000 };

static struct brood brood;
static unsigned discarded, buried_slots;
static char path[64];

static unsigned count(const struct settings *s)
{
    (void)s;
    return COUNT;
}

/* What `prepared` says decides what becomes of children. */
static int run(struct child *child)
{
    const char *what = child->prepared;

    if (strcmp(what, "stubborn") == 0)
        sigaction(SIGTERM, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    if (strcmp(what, "late") != 0)
        child_ready(child);
    while (pause() < 0)
        continue;
    return 0;
}

static void discard(void *prepared)
{
    (void)prepared;
    discarded++;
}

static void buried(void *prepared, unsigned slot)
{
    (void)prepared;
    buried_slots |= 1U << slot;
}

static void in_child(void *arg)
{
    (void)arg;
}

static const struct role roles[] = {
    {.name = "child", .count = count, .run = run, .buried = buried},
    {.name = NULL},
};
static const struct program program = {.name = "unit", .roles = roles, .discard = discard};

static int setup(void **state)
{
    int fd;

    (void)state;
    snprintf(path, sizeof path, "/tmp/brood.XXXXXX");
    fd = mkstemp(path);
    if (fd < 0 || dprintf(fd, "drain-timeout = %d\n", DRAIN) < 0)
        return -1;
    close(fd);
    log_open("unit", LOG_TO_STDERR, LOG_FAULT);
    discarded = buried_slots = 0;
    return brood_init(&brood, &program, in_child, NULL) ? 0 : -1;
}

static void hear_all(struct generation *g)
{
    struct epoll_event event;
    size_t ready = 0;

    while (ready < g->count) {
        assert_int_equal(1, epoll_wait(brood.loop, &event, 1, WAIT_MS));
        seat_hear(event.data.ptr);
        for (ready = 0; ready < g->count && g->seats[ready].state == SEAT_SERVING;)
            ready++;
    }
}

/* Waits for its child's death; one burial may be for several. */
static void bury(const struct seat *s, double now)
{
    siginfo_t info;

    if (!seat_is_alive(s))
        return;
    assert_int_equal(0, waitid(P_PID, (id_t)s->pid, &info, WEXITED | WNOWAIT));
    brood_bury(&brood, now);
    assert_false(seat_is_alive(s));
}

static struct generation *add(const char *what, double now)
{
    const struct cage stay = {.moves = false};
    char why[256] = "";
    struct settings *s = settings_read(path, why, sizeof why);

    assert_string_equal("", why);
    assert_true(brood_add(&brood, s, (void *)(uintptr_t)what, &stay));
    assert_int_equal(BROOD_NO_NEWS, brood_step(&brood, now));
    return brood.newest;
}

static struct generation *add_serving(double now)
{
    struct generation *g = add("good", now);

    hear_all(g);
    assert_int_equal(BROOD_SERVES, brood_step(&brood, now));
    return g;
}

static int teardown(void **state)
{
    (void)state;
    brood_kill(&brood);
    while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
        continue;
    brood_clear(&brood);
    unlink(path);
    return 0;
}

static void pauses_grow(void **state)
{
    static const double pauses[] = {0, 1, 2, 4, 8, 16, 30, 30};
    struct seat *s = &add_serving(1000)->seats[0];
    double now = 1000;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(pauses); i++) {
        int slot = s->slot;

        kill(s->pid, SIGKILL);
        bury(s, now);
        assert_int_equal(SEAT_DUE, s->state);
        assert_int_equal(slot, s->slot);
        assert_true(brood_due(&brood) == now + pauses[i]);
        brood_step(&brood, now + pauses[i] - 0.001);
        assert_int_equal(SEAT_DUE, s->state);
        now += pauses[i];
        brood_step(&brood, now);
        assert_int_equal(SEAT_STARTING, s->state);
        hear_all(brood.newest);
    }
    now += 60; /* a good minute */
    kill(s->pid, SIGKILL);
    bury(s, now);
    assert_true(brood_due(&brood) == now);
}

static void draining_has_its_time(void **state)
{
    struct generation *g = add("stubborn", 0);
    struct seat *s = &g->seats[0];

    (void)state;
    hear_all(g);
    brood_step(&brood, 0);
    brood_drain(&brood, 100);
    assert_int_equal(SEAT_DRAINING, s->state);
    assert_true(brood_due(&brood) == 100 + DRAIN);
    brood_step(&brood, 100 + DRAIN - 0.001);
    assert_int_equal(SEAT_DRAINING, s->state);
    brood_step(&brood, 100 + DRAIN);
    assert_int_equal(SEAT_ENDING, s->state);
    assert_int_equal(0, kill(s->pid, 0));
    brood_step(&brood, 100 + DRAIN + 9.999);
    assert_int_equal(SEAT_ENDING, s->state);
    brood_step(&brood, 100 + DRAIN + 10);
    assert_int_equal(SEAT_KILLED, s->state);
    bury(&g->seats[0], 120);
    bury(&g->seats[1], 120);
    assert_int_equal(3, buried_slots);
    brood_step(&brood, 120);
    assert_null(brood.newest);
    assert_int_equal(1, discarded);
}

static void late_children_fail_a_start(void **state)
{
    struct generation *g = add("late", 0);

    (void)state;
    assert_true(brood_due(&brood) == 120);
    brood_step(&brood, 120);
    bury(&g->seats[0], 120);
    bury(&g->seats[1], 120);
    assert_true(g->failed);
    assert_int_equal(BROOD_FAILED, brood_step(&brood, 120));
    assert_null(brood.newest);
    assert_int_equal(1, discarded);
}

static void a_failed_reload_leaves_the_old_ones(void **state)
{
    struct generation *old = add_serving(0), *new = add("late", 10);

    (void)state;
    assert_true(brood_is_changing(&brood));
    assert_ptr_equal(old, brood_current(&brood));
    for (size_t i = 0; i < COUNT; i++)
        assert_int_equal(COUNT + i, new->seats[i].slot);
    kill(new->seats[1].pid, SIGKILL);
    bury(&new->seats[1], 10);
    assert_int_equal(BROOD_FAILED, brood_step(&brood, 10));
    assert_int_equal(GENERATION_SERVES, old->phase);
    assert_true(brood_is_full(&brood)); /* its other child is not gone yet */
    bury(&new->seats[0], 10);
    brood_step(&brood, 10);
    assert_ptr_equal(old, brood.newest);
    assert_false(brood_is_full(&brood));
    assert_int_equal(SEAT_SERVING, old->seats[0].state);
    assert_true(brood_due(&brood) == HUGE_VAL);
}

static void slots_come_free_with_the_old(void **state)
{
    struct generation *old = add_serving(0), *new = add_serving(10);

    (void)state;
    assert_int_equal(GENERATION_LEAVES, old->phase);
    assert_int_equal(COUNT, new->seats[0].slot);
    for (size_t i = 0; i < COUNT; i++) {
        kill(old->seats[i].pid, SIGKILL);
        bury(&old->seats[i], 20);
    }
    assert_int_equal(SLOT_NONE, old->seats[0].slot);
    brood_step(&brood, 20);
    assert_int_equal(1, discarded);
    new = add("good", 30);
    assert_int_equal(0, new->seats[0].slot);
    assert_int_equal(1, new->seats[1].slot);
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(pauses_grow),
        CASE(draining_has_its_time),
        CASE(late_children_fail_a_start),
        CASE(a_failed_reload_leaves_the_old_ones),
        CASE(slots_come_free_with_the_old),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
