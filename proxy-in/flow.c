/* SPDX-License-Identifier: Apache-2.0 */
#include "flow.h"

#include "call.h"

/* There is always another round then: what follows from it is the relay's to wish. */
static void backend_gone(struct session *s, enum conn_got how, size_t *moved)
{
    call_lost(s, REASON_BACKEND_LEFT, how == CONN_FAILED ? s->backend.conn.why : NULL);
    ++*moved;
}

static void client_gone(struct session *s, enum conn_got how)
{
    s->ended = true;
    if (how != CONN_FAILED)
        return;
    s->broke = s->client.conn.why;
    side_clear(&s->client);
}

/* From the wire straight into the engine's buffer. */
void flow_pull_client(struct session *s, size_t *moved)
{
    char *at;
    size_t len, size = s->client.sated || s->ended ? 0 : serve_space(&s->relay.client, &at);

    if (size == 0)
        return;

    enum conn_got got = conn_read(&s->client.conn, at, size, &len);

    serve_grew(&s->relay.client, len);
    *moved += len;
    s->client.in += len;
    s->client.sated = conn_is_drained(&s->client.conn, got);
    if (got >= CONN_OVER)
        client_gone(s, got);
}

void flow_pull_backend(struct session *s, size_t *moved)
{
    char *at;
    bool may = side_is_open(&s->backend) && !s->backend.sated && !relay_shakes_backend(&s->relay);
    size_t len, size = may ? dial_space(&s->relay.backend, &at) : 0;

    if (size == 0)
        return;

    enum conn_got got = conn_read(&s->backend.conn, at, size, &len);

    dial_grew(&s->relay.backend, len);
    *moved += len;
    s->backend.in += len;
    s->backend.sated = conn_is_drained(&s->backend.conn, got);
    if (got >= CONN_OVER)
        backend_gone(s, got, moved);
}

void flow_push_client(struct session *s, size_t *moved)
{
    struct span out = buf_peek(&s->relay.client.out);
    size_t len = out.len;

    if (!flow_has_more_for_client(s))
        return;
    if (side_is_open(&s->client) && conn_write(&s->client.conn, &out, 1, &len) == CONN_FAILED)
        client_gone(s, CONN_FAILED);
    buf_drop(&s->relay.client.out, len);
    *moved += len;
    s->client.out += len;
}

void flow_push_backend(struct session *s, size_t *moved)
{
    struct span pieces[DIAL_PIECES], body = serve_body(&s->relay.client);
    size_t len = 0, count = dial_pieces(&s->relay.backend, body, pieces);
    enum conn_got got;

    if (!side_is_open(&s->backend) || (count == 0 && !conn_owes(&s->backend.conn)))
        return;
    got = conn_write(&s->backend.conn, pieces, count, &len);
    body.len = dial_went(&s->relay.backend, body, len);
    relay_body_goes(&s->relay, body);
    serve_body_drop(&s->relay.client, body.len);
    *moved += len;
    s->backend.out += len;
    if (got == CONN_FAILED)
        backend_gone(s, got, moved);
}

bool flow_has_more(const struct session *s)
{
    return side_is_open(&s->backend) && (dial_has_pieces(&s->relay.backend) ||
                                         s->relay.client.body > 0 || conn_owes(&s->backend.conn));
}

bool flow_has_more_for_client(const struct session *s)
{
    return buf_len(&s->relay.client.out) > 0 || conn_owes(&s->client.conn);
}
