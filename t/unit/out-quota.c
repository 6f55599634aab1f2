/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/kept/quota.h"

#include <stdio.h>
#include <stdlib.h>

#include "net/loop.h"
#include "unit.h"

enum { TURNS = 20, MANY = 300 };

/* What happens, a word each: "+a1" client 1 wants a place for a and is refused or waits; "*a1" the
 * same, and it had one that was of no use; "-a" one
 * place of a is given back; "." the loop turns; "!a1" client 1 waits no more. A client that has a
 * place is written down as "a1"; one that is told that too many wait, as "a1?". */
struct client {
    struct scene *of; /* borrowed */
    char name[3];
    struct waiter waiter;
    struct quota *place;
};

struct scene {
    struct event_base *base;
    struct quotas *all;
    unsigned long most;
    struct client client[8];
    unsigned calls;
    char got[64];
};

static bool none_spare(void *arg, const struct quota *q, bool now)
{
    (void)arg;
    (void)q;
    (void)now;
    return false;
}

static void note(struct scene *s, const char *what, const char *behind)
{
    size_t used = strlen(s->got);

    snprintf(s->got + used, sizeof s->got - used, "%s%s ", what, behind);
}

static void on_place(void *arg);

static void want(struct client *c)
{
    struct scene *s = c->of;
    char domain[2] = {c->name[0], '\0'};

    if ((c->place = quota_enter(s->all, domain, s->most)))
        note(s, c->name, "");
    else if (!quota_wait(s->all, domain, s->most, &c->waiter, on_place, c))
        note(s, c->name, "?");
}

static void on_place(void *arg)
{
    struct client *c = arg;

    c->of->calls++;
    want(c);
}

static struct client *named(struct scene *s, const char *name)
{
    size_t i = 0;

    while (s->client[i].name[0] && strcmp(s->client[i].name, name) != 0)
        i++;
    s->client[i].of = s;
    snprintf(s->client[i].name, sizeof s->client[i].name, "%s", name);
    return &s->client[i];
}

static void give_back(struct scene *s, char domain)
{
    struct client *c = s->client;

    while (!c->place || c->name[0] != domain)
        c++;
    quota_leave(c->place);
    c->place = NULL;
}

static void turn(struct event_base *base)
{
    for (unsigned i = 0; i < TURNS; i++)
        (void)event_base_loop(base, EVLOOP_NONBLOCK | EVLOOP_ONCE);
}

static void play(struct scene *s, const char *word)
{
    if (*word == '+' || *word == '*') {
        named(s, word + 1)->waiter.again = *word == '*';
        want(named(s, word + 1));
    } else if (*word == '-')
        give_back(s, word[1]);
    else if (*word == '!')
        quota_forget(&named(s, word + 1)->waiter);
    else
        turn(s->base);
}

static void end(struct scene *s)
{
    for (size_t i = 0; i < COUNT_OF(s->client); i++) {
        quota_forget(&s->client[i].waiter);
        if (s->client[i].place)
            quota_leave(s->client[i].place);
    }
    quotas_free(&s->all);
    event_base_free(s->base);
}

static const struct {
    const char *name, *script, *want;
    unsigned long most;
    unsigned calls;
} rows[] = {
    {"there is room", "+a1 +b1 .", "a1 b1 ", 1, 0},
    {"first come, first served", "+a1 +a2 +a3 -a . -a .", "a1 a2 a3 ", 1, 2},
    {"others' places are none of theirs", "+a1 +b1 +a2 +a3 -b . +b2 -b .", "a1 b1 b2 ", 1, 0},
    {"nobody passes those who wait", "+a1 +a2 -a +a3 .", "a1 a2 ", 1, 1},
    {"nor in between", "+a1 +a2 -a +a3 . -a .", "a1 a2 a3 ", 1, 2},
    {"two at once", "+a1 +a2 +a3 +a4 -a -a .", "a1 a2 a3 a4 ", 2, 2},
    {"as many as there is room for", "+a1 +a2 +a3 +a4 -a .", "a1 a2 a3 ", 2, 1},
    {"who is gone is passed over", "+a1 +a2 +a3 !a2 -a .", "a1 a3 ", 1, 1},
    {"who goes when it is due", "+a1 +a2 +a3 -a !a2 .", "a1 a3 ", 1, 1},
    {"who had a place comes first", "+a1 +a2 +a3 *a4 -a . -a .", "a1 a4 a2 ", 1, 2},
    {"all are gone", "+a1 +a2 -a !a2 . +a3", "a1 a3 ", 1, 0},
};

static void order(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct scene s = {.base = event_base_new(), .most = rows[i].most};
        char script[128], *rest = script, *word;

        s.all = quotas_new(s.base, 1000, none_spare, NULL);
        snprintf(script, sizeof script, "%s", rows[i].script);
        while ((word = strsep(&rest, " ")))
            play(&s, word);
        assert_row(strcmp(s.got, rows[i].want) == 0, rows[i].name);
        assert_row(s.calls == rows[i].calls, rows[i].name);
        end(&s);
    }
}

/* How many may wait, for so many places and sessions. */
static const struct {
    unsigned long most, sessions, wait;
} limits[] = {{1, 10000, 60}, {20, 10000, 250}, {20, 100, 25}, {1, 1, 1}};

static void crowds(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(limits); i++) {
        struct event_base *base = event_base_new();
        struct quotas *all = quotas_new(base, limits[i].sessions, none_spare, NULL);
        struct waiter waiters[MANY] = {{.quota = NULL}};
        unsigned long wait = 0;

        while (wait < MANY && quota_wait(all, "a", limits[i].most, &waiters[wait], on_place, NULL))
            wait++;
        assert_int_equal(limits[i].wait, wait);
        waiters[wait].again = true; /* it had its turn: nobody is kept waiting longer for it */
        assert_true(quota_wait(all, "a", limits[i].most, &waiters[wait], on_place, NULL));
        for (size_t j = 0; j <= wait; j++)
            quota_forget(&waiters[j]);
        quotas_free(&all);
        event_base_free(base);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(order), cmocka_unit_test(crowds)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
