/* SPDX-License-Identifier: Apache-2.0
 *
 * inspect_talk - the end of a conversation in which nothing is delivered: MAIL and RCPT if a
 * recipient is asked for, RSET, QUIT.
 */
#include <stdio.h>

#include "cli/inspect.h"
#include "smtp/reply.h"

enum { TICKET_MAIL = 1, TICKET_RCPT, TICKET_RSET, TICKET_QUIT };

/* A server that does not answer QUIT is not waited for. */
static const double farewell = 2; /* seconds */

struct talk {
    struct upstream *up; /* borrowed */
    bool lost, leaves, done;
    int code;
    char *said;
    size_t size;
};

static void ask(struct talk *t, unsigned ticket, const char *verb, const char *arg)
{
    char line[600];
    int len = snprintf(line, sizeof line, "%s%s%s\r\n", verb, arg, *arg ? ">" : "");

    t->leaves = ticket == TICKET_QUIT;
    if (len < 0 || (size_t)len >= sizeof line ||
        !dial_ask(&t->up->dial, ticket, (struct span){line, (size_t)len}))
        t->lost = t->done = true;
}

static void keep(struct talk *t, const struct heard *h)
{
    t->code = h->code;
    reply_flat(t->said, t->size, h->text);
}

static void on_reply(struct talk *t, const struct heard *h, const char *rcpt)
{
    switch (h->ticket) {
    case TICKET_MAIL:
        if (h->code / 100 == 2) {
            ask(t, TICKET_RCPT, "RCPT TO:<", rcpt);
            return;
        }
        keep(t, h);
        ask(t, TICKET_QUIT, "QUIT", "");
        return;
    case TICKET_RCPT:
        keep(t, h);
        ask(t, TICKET_RSET, "RSET", "");
        return;
    case TICKET_RSET:
        ask(t, TICKET_QUIT, "QUIT", "");
        return;
    default:
        t->done = true;
    }
}

/* Where the loop calls back. */
struct turning {
    struct talk *talk;
    const char *rcpt;
};

static void push(struct talk *t)
{
    struct upstream *up = t->up;
    size_t moved = 0;
    enum conn_got got = upstream_push(up, &moved);

    if (got == CONN_FAILED || got == CONN_OVER)
        t->lost = t->done = true;
    else
        watch_want(&up->watch, up->conn.fd,
                   conn_reads_on(&up->conn) | (got == CONN_LATER ? up->conn.needs : 0));
}

static void on_ready(void *arg)
{
    struct turning *turn = arg;
    struct talk *t = turn->talk;
    size_t moved = 0;
    struct heard h;
    enum conn_got got = upstream_pull(t->up, &moved);
    int said;

    while (!t->done && (said = dial_next(&t->up->dial, &h)) != 0) {
        if (said < 0)
            t->lost = t->done = true;
        else
            on_reply(t, &h, turn->rcpt);
    }
    if (!t->done && (got == CONN_OVER || got == CONN_FAILED))
        t->lost = t->done = true;
    if (!t->done)
        push(t);
}

static void on_late(void *arg)
{
    (void)arg; /* inspect_wait() has the limits */
}

int inspect_talk(struct inspect *i, struct upstream *up, char *said, size_t size)
{
    struct talk t = {.up = up, .said = said, .size = size};
    struct turning turn = {&t, i->plan.rcpt};
    double limit = i->plan.rcpt ? inspect_share(i, 0) : farewell;

    said[0] = '\0';
    upstream_own(up, on_ready, on_late, &turn);
    if (i->plan.rcpt)
        ask(&t, TICKET_MAIL, "MAIL FROM:<>", "");
    else
        ask(&t, TICKET_QUIT, "QUIT", "");
    push(&t);
    (void)!inspect_wait(i, &t.done, limit, "saying goodbye to ", up->remote.name);
    watch_want(&up->watch, -1, 0);
    if (i->plan.rcpt && !t.code)
        return -1;
    return t.code;
}
