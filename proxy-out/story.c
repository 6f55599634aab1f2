/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/story.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "proxy-out/session.h"
#include "tell/log.h"

enum { PAIRS = 32 };

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

static void add_count(struct pairs *p, const char *key, double count)
{
    if (count > 0)
        add(p, key, log_number(count));
}

void story_note(struct story **at, const struct seek *k, const struct remote *remote)
{
    struct story *story = *at ? *at : (*at = calloc(1, sizeof *story));

    if (!story)
        return;
    text_copy(story->domain, sizeof story->domain, span_of(k->domain));
    text_copy(story->server, sizeof story->server, span_of(remote->name));
    story->at = remote->at;
    story->rule = k->rule->head.title;
    story->demand = remote->demand;
    story->fail = k->is == SEEK_NONE ? k->fail : FAIL_NOT;
    story->reused = k->is == SEEK_FOUND && k->reused;
    story->servers += k->is == SEEK_FOUND;
    story->fails += k->is == SEEK_NONE;
    text_copy(story->tls, sizeof story->tls, span_of(remote->secure ? remote->tls.protocol : ""));
    text_copy(story->cipher, sizeof story->cipher,
              span_of(remote->secure ? remote->tls.cipher : ""));
    text_copy(story->verify, sizeof story->verify,
              span_of(remote->secure ? remote->tls.verify : ""));
}

static void add_server(struct pairs *p, const struct story *story, char at[ADDR_TEXT],
                       char demand[DEMAND_TEXT])
{
    add_text(p, "domain", story->domain);
    add_text(p, "rule", story->rule);
    add_text(p, "server", story->server);
    if (story->at.port)
        add_text(p, "address", addr_port_text(&story->at, at));
    add_text(p, "policy", demand_text(&story->demand, demand));
    add_text(p, "tls", story->tls);
    add_text(p, "cipher", story->cipher);
    add_text(p, "verify", story->verify);
    if (story->reused)
        add_text(p, "reused", "yes");
    if (story->fail != FAIL_NOT)
        add_text(p, "fail", fail_word(story->fail));
    add_count(p, "servers", story->servers);
    add_count(p, "not-reached", story->fails);
}

void story_tell(const struct session *s)
{
    const struct relay *r = &s->relay;
    char client[ADDR_TEXT], at[ADDR_TEXT], to[ADDR_TEXT], demand[DEMAND_TEXT];
    struct pairs p = {.count = 0};

    if (!log_is_on(LOG_SESSION))
        return;
    add_text(&p, "why", reason_word(s->why));
    if (s->why == REASON_TIMED_OUT || s->why == REASON_CLIENT_LEFT)
        add_text(&p, "doing", phase_doing(s->did));
    add_text(&p, "client", addr_text(&s->at, client));
    add_text(&p, "listener", s->listener->head.title);
    if (s->handed.to.port)
        add_text(&p, "meant-for", addr_port_text(&s->handed.to, to));
    add_text(&p, "helo", r->mta_name);
    if (s->story)
        add_server(&p, s->story, at, demand);
    add(&p, "transactions", log_number(r->t.number));
    add_count(&p, "delivered", r->delivered);
    add_count(&p, "deferred", r->deferred);
    add_count(&p, "bounced", r->bounced);
    add(&p, "bytes", log_number((double)s->in));
    add_count(&p, "eight-bit", (double)r->eight_bit);
    add_count(&p, "no-dsn", (double)r->no_dsn);
    add(&p, "seconds", log_number((double)(long)((clock_mono() - s->began) * 1000) / 1000));
    log_pairs(LOG_SESSION, s->id.text, "closed", p.at, p.count);
}
