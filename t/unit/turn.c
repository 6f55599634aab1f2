/* SPDX-License-Identifier: Apache-2.0 */
#include "net/turn.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

enum { MANY = 32 }; /* as many are a full turn */

static struct event_base *base;
static struct turn turn;

/* What happened, as letters: c, s, u and the number of whose it is. */
static char story[4096];

static struct one {
    struct turn_place place;
    unsigned number;
    bool stuck;        /* not all of it goes out, the first time */
    bool ends;         /* in its step */
    struct one *other; /* who ends in its step; NULL: nobody */
    struct one *wakes; /* who joins in it, once; NULL: nobody */
} ones[2 * MANY];

static struct one *one_of(struct turn_place *p)
{
    return (struct one *)((char *)p - offsetof(struct one, place));
}

static void note(char what, struct turn_place *p)
{
    size_t len = strlen(story);

    snprintf(story + len, sizeof story - len, "%c%u ", what, one_of(p)->number);
}

static void on_cork(struct turn_place *p)
{
    note('c', p);
}

static void on_step(struct turn_place *p)
{
    struct one *o = one_of(p);

    note('s', p);
    if (o->ends)
        turn_leave(p);
    if (o->other)
        turn_leave(&o->other->place);
    if (o->wakes)
        turn_join(&turn, &o->wakes->place);
    o->wakes = NULL;
}

static bool on_uncork(struct turn_place *p)
{
    struct one *o = one_of(p);
    bool stuck = o->stuck;

    note('u', p);
    o->stuck = false;
    return !stuck;
}

static const struct turn_faces faces = {.cork = on_cork, .step = on_step, .uncork = on_uncork};

static int set_up(void **state)
{
    (void)state;
    *story = 0;
    for (unsigned i = 0; i < COUNT_OF(ones); i++)
        ones[i] = (struct one){.number = i};
    base = loop_new();
    assert_non_null(base);
    turn_init(&turn, base, &faces);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    event_base_free(base);
    libevent_global_shutdown();
    return 0;
}

static void run(void)
{
    *story = 0;
    event_base_loop(base, EVLOOP_NONBLOCK);
}

static void one_alone_is_not_corked(void **state)
{
    (void)state;
    turn_join(&turn, &ones[0].place);
    assert_string_equal(story, "");
    run();
    assert_string_equal(story, "s0 u0 ");
    run();
    assert_string_equal(story, "");
    assert_null(ones[0].place.in);
}

static void all_take_their_step_before_any_is_sent(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        turn_join(&turn, &ones[i].place);
    turn_join(&turn, &ones[1].place); /* is in it */
    run();
    assert_string_equal(story, "c0 s0 c1 s1 c2 s2 u0 u1 u2 ");
    turn_join(&turn, &ones[2].place);
    turn_join(&turn, &ones[0].place);
    run();
    assert_string_equal(story, "c2 s2 c0 s0 u2 u0 ");
}

static void who_could_not_send_all_takes_a_step(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        turn_join(&turn, &ones[i].place);
    ones[1].stuck = true;
    run();
    assert_string_equal(story, "c0 s0 c1 s1 c2 s2 u0 u1 s1 u2 ");
}

static void who_ends_is_not_called_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        turn_join(&turn, &ones[i].place);
    turn_leave(&ones[4].place);
    turn_leave(&ones[4].place);
    ones[0].ends = true;
    ones[1].other = &ones[2]; /* that has not had its turn */
    ones[3].other = &ones[1]; /* that has */
    run();
    assert_string_equal(story, "c0 s0 c1 s1 c3 s3 u3 ");
}

static void who_left_is_not_counted(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++)
        turn_join(&turn, &ones[i].place);
    turn_leave(&ones[0].place);
    turn_leave(&ones[1].place);
    turn_leave(&ones[1].place);
    assert_true(turn_waits(&ones[2].place));
    run();
    assert_string_equal(story, "s2 u2 ");
    assert_false(turn_waits(&ones[2].place));
    for (unsigned i = 0; i < MANY; i++) {
        turn_join(&turn, &ones[i].place);
        if (i % 2)
            turn_leave(&ones[i].place);
    }
    assert_string_equal(story, "s2 u2 "); /* half of a full one */
    turn_take(&turn);
    *story = 0;
    turn_join(&turn, &ones[0].place);
    run();
    assert_string_equal(story, "s0 u0 "); /* after several, too */
}

/* Its step wakes another, or itself. */
static void who_is_woken_inside_of_it_takes_a_step_in_it(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        turn_join(&turn, &ones[i].place);
    ones[0].wakes = &ones[2];
    ones[1].wakes = &ones[1];
    run();
    assert_string_equal(story, "c0 s0 c1 s1 c2 s2 c1 s1 u0 u2 u1 ");
    *story = 0;
    for (unsigned i = 0; i < MANY; i++) {
        ones[i].wakes = i < MANY - 1 ? &ones[MANY + i] : NULL;
        turn_join(&turn, &ones[i].place);
    }
    assert_null(strstr(strstr(story, "u0 "), "s")); /* no turn inside of a turn */
    assert_non_null(strstr(story, "c62 s62 u0 "));
}

/* What did not go out is the end of it. */
static void who_is_stuck_may_end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 2; i++)
        turn_join(&turn, &ones[i].place);
    ones[0].stuck = true;
    ones[0].other = &ones[1];
    run();
    assert_string_equal(story, "c0 s0 u0 s0 ");
}

static void a_full_turn_does_not_wait(void **state)
{
    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        assert_string_equal(story, "");
        turn_join(&turn, &ones[i].place);
    }
    assert_non_null(strstr(story, "c31 s31 u0 u1 "));
    assert_string_equal(strstr(story, "u31"), "u31 ");
    *story = 0;
    turn_join(&turn, &ones[0].place);
    turn_join(&turn, &ones[1].place);
    assert_string_equal(story, "");
    run();
    assert_string_equal(story, "c0 s0 c1 s1 u0 u1 ");
}

static void what_is_long_lets_it_take_place_before(void **state)
{
    (void)state;
    turn_take(&turn);
    assert_string_equal(story, "");
    turn_join(&turn, &ones[0].place);
    turn_join(&turn, &ones[1].place);
    turn_take(&turn);
    assert_string_equal(story, "c0 s0 c1 s1 u0 u1 ");
    run();
    assert_string_equal(story, "");
}

static int reader[2][2];

static void on_ready(int fd, short events, void *arg)
{
    char byte;
    struct one *o = arg;

    (void)events;
    assert_int_equal(read(fd, &byte, 1), 1);
    note('r', &o->place);
    turn_join(&turn, &o->place);
}

/* What the same round of the loop brought is all read before the first step. */
static void it_is_behind_all_that_was_ready(void **state)
{
    struct event watches[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pipe(reader[i]), 0);
        event_assign(&watches[i], base, reader[i][0], EV_READ | EV_PERSIST, on_ready, &ones[i]);
        event_add(&watches[i], NULL);
        assert_int_equal(write(reader[i][1], "x", 1), 1);
    }
    run();
    if (story[1] == '0')
        assert_string_equal(story, "r0 r1 c0 s0 c1 s1 u0 u1 ");
    else
        assert_string_equal(story, "r1 r0 c1 s1 c0 s0 u1 u0 ");
    for (int i = 0; i < 2; i++) {
        event_del(&watches[i]);
        close(reader[i][0]);
        close(reader[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(one_alone_is_not_corked, set_up, tear_down),
        cmocka_unit_test_setup_teardown(all_take_their_step_before_any_is_sent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_could_not_send_all_takes_a_step, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_ends_is_not_called_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_left_is_not_counted, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_woken_inside_of_it_takes_a_step_in_it, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(who_is_stuck_may_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_full_turn_does_not_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_long_lets_it_take_place_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_is_behind_all_that_was_ready, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
