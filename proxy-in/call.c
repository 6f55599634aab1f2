/* SPDX-License-Identifier: Apache-2.0 */
#include "call.h"

#include "base/clock.h"
#include "base/text.h"
#include "behind/reach.h"
#include "tell/log.h"

/* The mail server's milter must find us in the table from the first moment. */
static void register_at(struct session *s, const struct addr *local, const struct addr *there)
{
    const struct table_key keys[2] = {{s->relay.who, s->relay.where}, {*local, *there}};
    struct table_entry what = {.session = s->id,
                               .client = s->relay.who,
                               .listener = s->relay.where,
                               .secure = s->tls != NULL};

    (void)facts_of(s->tls, &what.tls);
    text_copy(what.rule, sizeof what.rule, span_of(s->relay.rule.head.title));
    s->entry = entries_put(&s->gate->worker->entries, keys, &what, s->listed);
    s->listed = true;
    if (!s->entry && s->gate->worker->entries.table)
        log_say(LOG_FAULT, s->id.text, "not-in-table", {"why", SPAN("the session table is full")});
}

/* Which of our addresses leads there is found out once, and again if it no longer does. */
static bool bind_source(struct session *s, struct addr *local)
{
    struct station_server *at = s->server;
    struct conn *c = &s->backend.conn;

    if (!conn_bind(c, at->has_source ? &at->source : NULL, &at->at->at) || !conn_local(c, local)) {
        at->has_source = s->gate->station->backend->has_from;
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

    return conn_bind_as(c, &s->relay.who, &s->server->at->at) && conn_local(c, local);
}

/* The table knows the call before the server does. */
static enum conn_got call_registered(struct session *s, const struct addr *local)
{
    const struct addr *there = &s->server->at->at;

    register_at(s, local, there);
    return conn_dial(&s->backend.conn, there, NULL);
}

/* Right after it has begun: a call that is not bound first may have any port that is free towards
 * this server; to bind takes one that is free towards all, and where thousands of connections have
 * just ended there may be none. */
static enum conn_got call_and_register(struct session *s)
{
    const struct backend *b = s->gate->station->backend;
    const struct addr *there = &s->server->at->at;
    enum conn_got got = conn_dial(&s->backend.conn, there, b->has_from ? &b->from : NULL);
    struct addr local;

    if (got != CONN_FAILED && conn_local(&s->backend.conn, &local))
        register_at(s, &local, there);
    return got;
}

/* A server that waits for a header cannot ask its milter before it comes; others may as soon as
 * they are called. The port may be one that another session has just left, and stands in the table
 * still: their milter must not find that, so where there is no port to bind to there is no call. */
static enum conn_got call_tcp(struct session *s)
{
    struct addr local;
    bool bound = false;

    switch (s->gate->station->backend->identity) {
    case IDENTITY_PROXY_V1:
    case IDENTITY_PROXY_V2:
        return call_and_register(s);
    case IDENTITY_XCLIENT:
    case IDENTITY_NONE:
        bound = bind_source(s, &local);
        break;
    case IDENTITY_TRANSPARENT:
        bound = bind_as_client(s, &local);
        break;
    }
    return bound ? call_registered(s, &local) : CONN_FAILED;
}

/* A request tries each server once at most; false: there is none. */
static bool choose(struct session *s)
{
    struct station *at = s->gate->station;
    size_t i;

    if (s->relay.held.ticket != s->tried_for)
        s->tried = 0;
    s->tried_for = s->relay.held.ticket;
    i = station_choose(at, s->tried);
    if (i == at->count)
        return false;
    s->tried |= 1ULL << i;
    s->server = &at->servers[i];
    s->went = s->server->at->text;
    s->relay.spare = station_choose(at, s->tried) < at->count;
    station_enter(at, s->server);
    return true;
}

enum conn_got call_begin(struct session *s)
{
    side_init(&s->backend, -1);
    if (!choose(s)) {
        s->relay.spare = false;
        s->backend.conn.why = "there is no server";
        return CONN_FAILED;
    }
    if (!s->server->at->path)
        return call_tcp(s);
    /* It has no addresses: the mail server knows the client's, or nothing. */
    register_at(s, &s->relay.who, &s->relay.where);
    return conn_dial_unix(&s->backend.conn, s->server->at->path);
}

enum conn_got call_on(struct session *s)
{
    return conn_dialled(&s->backend.conn);
}

enum conn_got call_secure(struct session *s)
{
    return reach_secure(&s->backend.conn, s->gate->station->backend, s->gate->backend_tls);
}

void call_lost(struct session *s, enum reason why, const char *broke)
{
    if (s->server)
        station_doubt(s->gate->station, s->server);
    s->broke = broke;
    relay_lost(&s->relay, why);
}

void call_hang_up(struct session *s)
{
    entries_leave(&s->gate->worker->entries, &s->entry, clock_mono());
    side_clear(&s->backend);
    if (s->server)
        station_leave(s->server);
    s->server = NULL;
}
