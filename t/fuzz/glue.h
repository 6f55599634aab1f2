/* SPDX-License-Identifier: Apache-2.0
 *
 * glue - the simplest proxy: the two engines back to back, no sockets, no policy.
 */
#pragma once

#include <stdio.h>

#include "fuzz.h"
#include "smtp/dial.h"
#include "smtp/serve.h"

struct glue {
    struct serve client;
    struct dial upstream;
};

static inline void glue_init(struct glue *g, enum dot_bare bare)
{
    serve_init(&g->client, SERVE_WORLD, false, bare);
    dial_init(&g->upstream);
}

static inline void glue_clear(struct glue *g)
{
    serve_clear(&g->client);
    dial_clear(&g->upstream);
}

/* What no peer can make them hold more of. */
static inline void glue_check(const struct glue *g)
{
    promise(g->client.in.size <= SERVE_IN_MAX);
    promise(g->client.out.size <= (SERVE_DEPTH + 1) * SERVE_REPLY_MAX + SERVE_AUTH_MAX);
    promise(g->upstream.in.size <= 4 * DIAL_REPLY_MAX);
    promise(g->upstream.out.size <= DIAL_OUT_MAX);
    promise(dial_waits(&g->upstream) <= DIAL_DEPTH);
}

static inline bool glue_pass(struct glue *g, const struct request *r)
{
    char line[SERVE_AUTH_MAX + 8];
    int len;

    if (r->verb == VERB_END)
        return dial_end(&g->upstream, r->ticket);
    if (r->verb == VERB_BDAT || r->verb == VERB_LAST) {
        len = snprintf(line, sizeof line, "BDAT %lu%s\r\n", r->octets,
                       r->verb == VERB_LAST ? " LAST" : "");
        return dial_chunk(&g->upstream, r->ticket, (struct span){line, (size_t)len}, r->octets);
    }
    if (r->verb == VERB_RESPONSE)
        len = snprintf(line, sizeof line, "%.*s\r\n", SPAN_ARG(r->arg));
    else
        len = snprintf(line, sizeof line, "%s%s%.*s\r\n", verb_name(r->verb), r->arg.len ? " " : "",
                       SPAN_ARG(r->arg));
    promise(len > 0 && (size_t)len < sizeof line);
    return dial_ask(&g->upstream, r->ticket, (struct span){line, (size_t)len});
}

/* Moves all that can move between the two. */
static inline void glue_turn(struct glue *g)
{
    struct request r;
    struct heard h;
    int got;

    while ((got = dial_next(&g->upstream, &h)) > 0)
        if (dial_is_sending(&g->upstream) && serve_asked(&g->client, h.ticket) == VERB_END)
            serve_end(&g->client, SPAN("421 4.4.0 It has not got the message\r\n"));
        else
            serve_answer(&g->client, h.ticket, h.text);
    if (got < 0)
        serve_end(&g->client, SPAN("421 4.4.0 Upstream lost\r\n"));
    /* Of a chunk that is under way only the octets come, and no request. */
    while ((dial_is_sending(&g->upstream) || dial_has_room(&g->upstream, SERVE_AUTH_MAX + 8)) &&
           serve_next(&g->client, &r) > 0) {
        if (r.verb == VERB_ABORT)
            serve_answer(&g->client, r.ticket, SPAN("550 5.6.11 Bare CR or LF\r\n"));
        else
            promise(glue_pass(g, &r));
    }
    glue_check(g);
}

/* Up to `most` bytes for the upstream, as writev() would take them; how many there were. */
static inline size_t glue_send(struct glue *g, char *to, size_t most)
{
    struct span body = serve_body(&g->client), piece[DIAL_PIECES];
    size_t count = dial_pieces(&g->upstream, body, piece), len = 0;

    for (size_t i = 0; i < count; i++) {
        size_t take = piece[i].len < most - len ? piece[i].len : most - len;

        memcpy(to + len, piece[i].at, take);
        len += take;
    }
    serve_body_drop(&g->client, dial_went(&g->upstream, body, len));
    return len;
}
