/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include "base/clock.h"
#include "base/text.h"
#include "tell/log.h"

/* The mail server's milter must find us in the table from the first moment. */
static void register_at(struct session *s, const struct addr *local)
{
    struct station *at = s->gate->station;
    const struct table_key keys[2] = {{s->relay.who, s->relay.where}, {*local, at->backend->to}};
    struct table_entry what = {.session = s->id,
                               .client = s->relay.who,
                               .listener = s->relay.where,
                               .secure = s->tls != NULL};

    if (s->tls)
        what.tls = *s->tls;
    text_copy(what.rule, sizeof what.rule, span_of(s->relay.rule.head.title));
    s->entry = entries_put(&s->gate->worker->entries, keys, &what);
    if (!s->entry && s->gate->worker->entries.table)
        log_say(LOG_FAULT, s->id.text, "not-in-table", {"why", SPAN("the session table is full")});
}

/* Which of our addresses leads there is found out once, and again if it no longer does. */
static bool bind_source(struct session *s, struct addr *local)
{
    struct station *at = s->gate->station;
    struct conn *c = &s->backend.conn;

    if (!conn_bind(c, at->has_source ? &at->source : NULL, &at->backend->to) ||
        !conn_local(c, local)) {
        at->has_source = at->backend->has_from;
        return false;
    }
    at->source = *local;
    at->source.port = 0;
    at->has_source = true;
    return true;
}

static bool bind_as_client(struct session *s, struct addr *local)
{
    struct conn *c = &s->backend.conn;

    return conn_bind_as(c, &s->relay.who, &s->gate->station->backend->to) && conn_local(c, local);
}

enum conn_got call_begin(struct session *s)
{
    struct addr local;

    side_init(&s->backend, -1);
    if (!(s->gate->station->backend->identity == IDENTITY_TRANSPARENT ? bind_as_client(s, &local)
                                                                      : bind_source(s, &local)))
        return CONN_FAILED;
    register_at(s, &local);
    return conn_dial(&s->backend.conn, &s->gate->station->backend->to, NULL);
}

enum conn_got call_on(struct session *s)
{
    return conn_dialled(&s->backend.conn);
}

void call_hang_up(struct session *s)
{
    entries_leave(&s->gate->worker->entries, &s->entry, clock_mono());
    side_clear(&s->backend);
}
