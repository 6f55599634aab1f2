/* SPDX-License-Identifier: Apache-2.0 */
#include "side.h"

void side_init(struct side *s, int fd)
{
    *s = (struct side){.watched = 0};
    conn_init(&s->conn, fd);
}

void side_clear(struct side *s)
{
    if (s->watched)
        event_del(&s->watch);
    s->watched = 0;
    s->sated = false;
    conn_clear(&s->conn);
}

void side_watch(struct side *s, struct event_base *base, short events, event_callback_fn fn,
                void *arg)
{
    if (events == s->watched)
        return;
    if (s->watched)
        event_del(&s->watch);
    s->watched = 0;
    if (events &&
        event_assign(&s->watch, base, s->conn.fd, (short)(events | EV_PERSIST), fn, arg) == 0 &&
        event_add(&s->watch, NULL) == 0)
        s->watched = events;
}
