/* SPDX-License-Identifier: Apache-2.0 */
#include "story.h"

#include "base/clock.h"
#include "phase.h"
#include "tell/log.h"

enum { PAIRS = 40 };

struct pairs {
    struct log_pair at[PAIRS];
    size_t count;
};

/* Nothing is said of what is not there. */
static void add(struct pairs *p, const char *key, struct span value)
{
    if (value.len > 0 && p->count < PAIRS)
        p->at[p->count++] = (struct log_pair){key, value};
}

static void add_text(struct pairs *p, const char *key, const char *value)
{
    add(p, key, span_of(value ? value : ""));
}

static struct span milliseconds(double seconds)
{
    return log_number((double)(long)(seconds * 1000 + 0.5) / 1000);
}

static void add_tls(struct pairs *p, const struct tls_facts *tls)
{
    add_text(p, "tls", tls->protocol);
    add_text(p, "cipher", tls->cipher);
    add(p, "bits", log_number(tls->bits));
    add_text(p, "group", tls->group);
    add_text(p, "sni", tls->sni);
    add_text(p, "verify", tls->verify);
    add_text(p, "subject", tls->peer_subject);
    add_text(p, "fingerprint", tls->peer_fingerprint);
    add_text(p, "key-fingerprint", tls->peer_key_fingerprint);
    if (tls->resumed)
        add_text(p, "resumed", "yes");
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

    if (r->why == REASON_IDENTITY)
        tell_fault(s);
    if (!log_is_on(LOG_SESSION))
        return;
    add_text(&p, "why", reason_word(r->why));
    add_text(&p, "doing", phase_doing(s->did));
    add_text(&p, "client", addr_port_text(&r->who, client));
    if (s->via.port)
        add_text(&p, "via", addr_port_text(&s->via, via));
    add_text(&p, "listener", addr_port_text(&r->where, listener));
    add_text(&p, "rule", r->rule.head.title);
    if (r->reported.rules) {
        add_text(&p, "reported", report_text(r->reported.rules, reported));
        add(&p, "times", log_number(r->reported.times));
    }
    add_text(&p, "helo", r->helo);
    if (s->tls)
        add_tls(&p, s->tls);
    add_text(&p, "backend", s->gate->station->backend->head.title);
    add_text(&p, "server", s->went);
    if (s->moves)
        add(&p, "moves", log_number((double)s->moves));
    add_text(&p, "broke", s->broke);
    add_text(&p, "said", r->said);
    add(&p, "messages", log_number(r->messages));
    add(&p, "in", log_number((double)s->client.in));
    add(&p, "out", log_number((double)s->client.out));
    if (s->tls)
        add(&p, "handshake", milliseconds(s->shook));
    if (s->spoke > 0)
        add(&p, "first", milliseconds(s->spoke));
    add(&p, "seconds", milliseconds(clock_mono() - s->began));
    log_pairs(LOG_SESSION, s->id.text, "closed", p.at, p.count);
}
