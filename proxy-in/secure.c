/* SPDX-License-Identifier: Apache-2.0 */
#include "secure.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "flow.h"
#include "net/tls.h"
#include "rule/certificate.h"

/* Whether the client is asked for a certificate is up to its rule; a ticket from another listener
 * or rule is none here. */
static enum conn_got begin_tls(struct session *s)
{
    char binds[512];
    const struct source *rule = &s->relay.rule;
    int n = snprintf(binds, sizeof binds, "%.240s %.240s", s->gate->listener->head.title,
                     rule->head.title);
    const struct tls_asks asks = {.certificate =
                                      rule->verify_client_certificate != SOURCE_VERIFY_NONE,
                                  .binds = {binds, (size_t)n}};

    return conn_accept_tls(&s->client.conn, s->gate->tls, &asks);
}

static enum conn_got accept_tls(struct session *s)
{
    return conn_is_secure(&s->client.conn) ? conn_accept_tls(&s->client.conn, s->gate->tls, NULL)
                                           : begin_tls(s);
}

/* What the client has shown, once and for all. NULL: no memory. */
static struct facts_kept *learn_peer(struct session *s)
{
    const struct gate *gate = s->gate;
    struct tls_facts facts;
    const char *word;

    conn_facts(&s->client.conn, &facts);
    /* A name is worth no more than the CA that vouches for it: who has a listed key can give itself
     * any. */
    if (gate->house.senders && !strcmp(facts.verify, "ok"))
        s->relay.peer_names = conn_names(&s->client.conn);
    word = certificate_word(&s->relay.rule, &facts, *gate->listener->tls_ca_file);
    if (word != facts.verify)
        text_copy(facts.verify, sizeof facts.verify, span_of(word));
    return facts_keep(&facts);
}

/* Our 220 goes out in the clear; only then is the socket TLS's. */
enum phase secure_client(struct session *s)
{
    size_t moved = 0;

    if (!conn_is_secure(&s->client.conn)) {
        flow_push_client(s, &moved);
        if (side_is_open(&s->client) && buf_len(&s->relay.client.out) > 0)
            return PHASE_SHAKE;
        if (s->client.sated)
            return PHASE_SHAKE;
    }

    enum conn_got got = side_is_open(&s->client) ? accept_tls(s) : CONN_FAILED;

    if (got == CONN_LATER)
        return PHASE_SHAKE;
    if (got == CONN_SOME)
        s->tls = learn_peer(s);
    if (!s->tls) {
        s->relay.why = got == CONN_SOME         ? REASON_NO_MEMORY
                       : s->client.conn.foreign ? REASON_ALPN
                                                : REASON_HANDSHAKE;
        s->broke = got == CONN_OVER ? "closed in the handshake" : s->client.conn.why;
        return PHASE_OVER;
    }
    s->shook = (float)(clock_mono() - s->since);
    /* What came together with the end of the handshake is in TLS: no socket announces it. */
    s->client.sated = !conn_has_pending(&s->client.conn);
    if (s->gate->listener->tls)
        relay_greet(&s->relay, s->tls);
    else
        relay_secured(&s->relay, s->tls);
    return PHASE_TALK;
}
