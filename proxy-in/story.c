/* SPDX-License-Identifier: Apache-2.0 */
#include "story.h"

#include "base/clock.h"
#include "phase.h"
#include "tell/pairs.h"

static struct span milliseconds(double seconds)
{
    return log_number((double)(long)(seconds * 1000 + 0.5) / 1000);
}

static void add_tls(struct pairs *p, const struct tls_facts *tls)
{
    pairs_text(p, "tls", tls->protocol);
    pairs_text(p, "cipher", tls->cipher);
    pairs_add(p, "bits", log_number(tls->bits));
    pairs_text(p, "group", tls->group);
    pairs_text(p, "sni", tls->sni);
    pairs_text(p, "verify", tls->verify);
    pairs_text(p, "subject", tls->peer_subject);
    pairs_text(p, "fingerprint", tls->peer_fingerprint);
    pairs_text(p, "key-fingerprint", tls->peer_key_fingerprint);
    if (tls->resumed)
        pairs_text(p, "resumed", "yes");
}

static void tell_fault(const struct session *s)
{
    const struct backend *b = s->gate->station->backend;

    log_say(LOG_FAULT, s->id.text, "identity-not-taken", {"backend", span_of(b->head.title)},
            {"server", span_of(s->went ? s->went : "")},
            {"said", span_of(s->relay.said ? s->relay.said : "")},
            {"remedy", span_of(intro_remedy(b->identity))});
}

void story_tell(const struct session *s)
{
    const struct relay *r = &s->relay;
    char client[ADDR_TEXT], via[ADDR_TEXT], listener[ADDR_TEXT], reported[REPORT_TEXT];
    struct pairs p = {.count = 0};
    struct tls_facts tls;

    if (r->why == REASON_IDENTITY)
        tell_fault(s);
    if (!log_is_on(LOG_SESSION))
        return;
    pairs_text(&p, "why", reason_word(r->why));
    pairs_text(&p, "doing", phase_doing(s->did));
    pairs_text(&p, "client", addr_port_text(&r->who, client));
    if (s->via.port)
        pairs_text(&p, "via", addr_port_text(&s->via, via));
    pairs_text(&p, "listener", addr_port_text(&r->where, listener));
    pairs_text(&p, "rule", r->rule.head.title);
    if (r->reported.rules) {
        pairs_text(&p, "reported", report_text(r->reported.rules, reported));
        pairs_add(&p, "times", log_number(r->reported.times));
    }
    pairs_text(&p, "helo", r->helo);
    if (s->tls)
        add_tls(&p, facts_of(s->tls, &tls));
    pairs_text(&p, "backend", s->gate->station->backend->head.title);
    pairs_text(&p, "server", s->went);
    if (s->moves)
        pairs_add(&p, "moves", log_number((double)s->moves));
    pairs_text(&p, "broke", s->broke);
    pairs_text(&p, "said", r->said);
    pairs_add(&p, "messages", log_number(r->messages));
    pairs_add(&p, "in", log_number((double)s->client.in));
    pairs_add(&p, "out", log_number((double)s->client.out));
    if (s->tls)
        pairs_add(&p, "handshake", milliseconds(s->shook));
    if (s->spoke > 0)
        pairs_add(&p, "first", milliseconds(s->spoke));
    pairs_add(&p, "seconds", milliseconds(clock_mono() - s->began));
    log_pairs(LOG_SESSION, s->id.text, "closed", p.at, p.count);
}
