/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/story.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "net/listen.h"
#include "proxy-out/session.h"
#include "tell/pairs.h"

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
    pairs_text(p, "domain", story->domain);
    pairs_text(p, "rule", story->rule);
    pairs_text(p, "server", story->server);
    if (story->at.port)
        pairs_text(p, "address", addr_port_text(&story->at, at));
    pairs_text(p, "policy", demand_text(&story->demand, demand));
    pairs_text(p, "tls", story->tls);
    pairs_text(p, "cipher", story->cipher);
    pairs_text(p, "verify", story->verify);
    if (story->reused)
        pairs_text(p, "reused", "yes");
    if (story->fail != FAIL_NOT)
        pairs_text(p, "fail", fail_word(story->fail));
    pairs_count(p, "servers", story->servers);
    pairs_count(p, "not-reached", story->fails);
}

/* In this line, for a mail server that calls for each message would fill a log with two. */
static void add_caller(struct pairs *p, const struct session *s)
{
    unsigned uid, pid;

    if (!s->listener->path || !listen_caller(s->conn.fd, &uid, &pid))
        return;
    pairs_add(p, "uid", log_number(uid));
    pairs_add(p, "pid", log_number(pid));
}

void story_tell(const struct session *s)
{
    const struct relay *r = &s->relay;
    char client[ADDR_TEXT], at[ADDR_TEXT], to[ADDR_TEXT], demand[DEMAND_TEXT];
    struct pairs p = {.count = 0};

    if (!log_is_on(LOG_SESSION))
        return;
    pairs_text(&p, "why", reason_word(s->why));
    if (s->why == REASON_TIMED_OUT || s->why == REASON_CLIENT_LEFT)
        pairs_text(&p, "doing", phase_doing(s->did));
    pairs_text(&p, "client", addr_text(&s->at, client));
    pairs_text(&p, "listener", s->listener->head.title);
    add_caller(&p, s);
    if (s->handed.to.port)
        pairs_text(&p, "meant-for", addr_port_text(&s->handed.to, to));
    pairs_text(&p, "helo", r->mta_name);
    if (s->story)
        add_server(&p, s->story, at, demand);
    pairs_add(&p, "transactions", log_number(r->t.number));
    pairs_count(&p, "delivered", r->delivered);
    pairs_count(&p, "deferred", r->deferred);
    pairs_count(&p, "bounced", r->bounced);
    pairs_add(&p, "bytes", log_number((double)s->in));
    pairs_count(&p, "eight-bit", (double)r->eight_bit);
    pairs_count(&p, "no-dsn", (double)r->no_dsn);
    pairs_add(&p, "seconds", log_number((double)(long)((clock_mono() - s->began) * 1000) / 1000));
    log_pairs(LOG_SESSION, s->id.text, "closed", p.at, p.count);
}
