/* SPDX-License-Identifier: Apache-2.0 */
#include "flow.h"

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
    s->client.sated = conn_is_drained(&s->client.conn, got, len);
    if (got >= CONN_OVER)
        client_gone(s, got);
}

void flow_pull_backend(struct session *s, size_t *moved)
{
    char *at;
    bool may = side_is_open(&s->backend) && !s->backend.sated;
    size_t len, size = may ? dial_space(&s->relay.backend, &at) : 0;

    if (size == 0)
        return;

    enum conn_got got = conn_read(&s->backend.conn, at, size, &len);

    dial_grew(&s->relay.backend, len);
    *moved += len;
    s->backend.in += len;
    s->backend.sated = conn_is_drained(&s->backend.conn, got, len);
    if (got >= CONN_OVER)
        relay_lost(&s->relay, REASON_BACKEND_LEFT);
}

void flow_push_client(struct session *s, size_t *moved)
{
    struct span out = buf_peek(&s->relay.client.out);
    size_t len = out.len;

    if (out.len == 0)
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

    if (count == 0 || !side_is_open(&s->backend))
        return;
    if (conn_write(&s->backend.conn, pieces, count, &len) == CONN_FAILED)
        relay_lost(&s->relay, REASON_BACKEND_LEFT);
    serve_body_drop(&s->relay.client, dial_went(&s->relay.backend, body, len));
    *moved += len;
    s->backend.out += len;
}

bool flow_has_more(const struct session *s)
{
    struct span pieces[DIAL_PIECES];

    return side_is_open(&s->backend) &&
           dial_pieces(&s->relay.backend, serve_body(&s->relay.client), pieces) > 0;
}
