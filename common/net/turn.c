/* SPDX-License-Identifier: Apache-2.0 */
#include "net/turn.h"

/* What they read and say stays in the processor's cache, and nobody waits for too many others. */
enum { TURN_MOST = 32 };

static void move(struct turn_place *p, struct turn_list *to)
{
    turn_leave(p);
    TAILQ_INSERT_TAIL(&to->all, p, link);
    to->count++;
    p->in = to;
}

void turn_take(struct turn *t)
{
    struct turn_place *p;
    bool corks = t->ready.count > 1;

    if (t->takes_place)
        return;
    t->takes_place = true;
    while ((p = TAILQ_FIRST(&t->ready.all))) {
        move(p, &t->said);
        if (corks)
            t->faces->cork(p);
        t->faces->step(p);
    }
    while ((p = TAILQ_FIRST(&t->said.all))) {
        turn_leave(p);
        if (!t->faces->uncork(p))
            t->faces->step(p);
    }
    t->takes_place = false;
}

static void on_end(int fd, short events, void *turn)
{
    (void)fd;
    (void)events;
    turn_take(turn);
}

void turn_init(struct turn *t, struct event_base *base, const struct turn_faces *faces)
{
    *t = (struct turn){.faces = faces};
    TAILQ_INIT(&t->ready.all);
    TAILQ_INIT(&t->said.all);
    event_assign(&t->at_end, base, -1, 0, on_end, t);
}

void turn_join(struct turn *t, struct turn_place *p)
{
    if (p->in == &t->ready)
        return;
    /* Behind all that this round of the loop has still to call. */
    if (t->ready.count == 0)
        event_active(&t->at_end, 0, 0);
    move(p, &t->ready);
    if (t->ready.count == TURN_MOST)
        turn_take(t);
}

bool turn_leave(struct turn_place *p)
{
    if (!turn_waits(p))
        return false;
    TAILQ_REMOVE(&p->in->all, p, link);
    p->in->count--;
    p->in = NULL;
    return true;
}
