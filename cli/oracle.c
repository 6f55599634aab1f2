/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/oracle.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/text.h"
#include "sts/cas.h"
#include "sts/keeper.h"
#include "sts/sts_answer.h"
#include "way/lookup.h"

static void on_news(void *arg, const struct keeper_news *n)
{
    struct oracle *o = arg;

    text_copy(o->news_of, sizeof o->news_of, span_of(n->domain));
    text_copy(o->news, sizeof o->news, span_of(n->why));
}

static void on_fetched(void *arg, const struct kept *kept, enum sts_trouble trouble)
{
    struct oracle *o = arg;

    o->fetched.done = true;
    o->fetched.trouble = trouble;
    if (trouble != STS_FINE && strcasecmp(o->news_of, o->fetched.domain) == 0)
        text_copy(o->fetched.why, sizeof o->fetched.why, span_of(o->news));
    if ((o->fetched.has = kept != NULL))
        o->fetched.kept = *kept;
}

void oracle_fetch(struct oracle *o, const char *domain)
{
    o->fetched = (struct oracle_fetched){.done = false};
    text_copy(o->fetched.domain, sizeof o->fetched.domain, span_of(domain));
    if (o->keeper) {
        keeper_ask(o->keeper, domain, on_fetched, o);
        return;
    }
    o->fetched.done = true;
    o->fetched.trouble = STS_FETCH_ERROR;
    text_copy(o->fetched.why, sizeof o->fetched.why, span_of(o->no_keeper));
}

bool oracle_cached(const struct oracle *o, const char *domain, struct kept *out)
{
    char name[STS_DOMAIN];

    return o->store && sts_record_domain(domain, name) &&
           shelf_get(o->shelf, name, clock_now(), out);
}

struct oracle_wait {
    LIST_ENTRY(oracle_wait) link;
    struct oracle *of;
    uint32_t number;
};

static void forget(struct oracle_wait *w)
{
    LIST_REMOVE(w, link);
    free(w);
}

static void on_policy(void *arg, const struct kept *kept, enum sts_trouble trouble)
{
    struct oracle_wait *w = arg;
    struct answer a;

    sts_answer(&a, w->number, kept, trouble);
    line_answer(w->of->line, &a);
    forget(w);
}

static void answer_policy(struct oracle *o, const struct question *q)
{
    struct oracle_wait *w = malloc(sizeof *w);
    struct kept kept;

    if (!w) {
        struct answer none;

        answer_failed(&none, q);
        line_answer(o->line, &none);
        return;
    }
    *w = (struct oracle_wait){.of = o, .number = q->number};
    LIST_INSERT_HEAD(&o->waits, w, link);
    if (oracle_cached(o, q->name, &kept))
        on_policy(w, &kept, STS_FINE);
    else if (o->keeper)
        keeper_ask(o->keeper, q->name, on_policy, w);
    else
        on_policy(w, NULL, STS_FETCH_ERROR);
}

static void answer_seen(struct oracle *o, const struct question *q)
{
    struct answer a = {.number = q->number, .kind = q->kind, .status = ANSWER_OK};

    a.secure =
        o->store && memory_get(o->store, MEMORY_SEEN, span_of(q->name), clock_now(), NULL, 0) >= 0;
    line_answer(o->line, &a);
}

static void on_answer(void *arg, const struct answer *a)
{
    struct oracle *o = arg;

    line_answer(o->line, a);
}

static void hear(void *arg, const struct question *q)
{
    struct oracle *o = arg;

    if (q->kind == QUESTION_STS)
        answer_policy(o, q);
    else if (q->kind == QUESTION_SEEN)
        answer_seen(o, q);
    else
        lookup_start(o->resolve, q, on_answer, o);
}

static void open_keeper(struct oracle *o)
{
    const struct global *g = &o->settings->global;
    struct keeper_rules rules = {
        .fetch = {.port = (unsigned)g->mta_sts_port, .seconds = (double)g->mta_sts_timeout},
        .allow_private = g->mta_sts_allow_private};

    if (!(o->cas = cas_read(g->mta_sts_ca_file, o->no_keeper, sizeof o->no_keeper)))
        return;
    rules.fetch.cas = span_of(o->cas);
    o->keeper = keeper_new(o->base, o->resolve, NULL, &rules, on_news, o, o->no_keeper,
                           sizeof o->no_keeper);
}

bool oracle_begin(struct oracle *o, struct event_base *base, const struct settings *s, char *why,
                  size_t size)
{
    const struct global *g = &s->global;

    *o = (struct oracle){.settings = s, .base = base};
    LIST_INIT(&o->waits);
    o->resolve =
        resolve_new(base, &(struct resolve_conf){g->name_server, g->trust_anchor_file}, why, size);
    if (!o->resolve)
        return false;
    snprintf(why, size, "out of memory");
    o->store = memory_open(g->state_directory, false, o->no_store, sizeof o->no_store);
    open_keeper(o);
    return (o->line = line_within(base, hear, o)) && (o->shelf = shelf_new(o->store));
}

void oracle_end(struct oracle *o)
{
    if (o->keeper)
        keeper_stop(o->keeper);
    resolve_free(&o->resolve);
    keeper_free(&o->keeper);
    shelf_free(&o->shelf);
    store_close(&o->store);
    line_free(&o->line);
    while (!LIST_EMPTY(&o->waits))
        forget(LIST_FIRST(&o->waits));
    free(o->cas);
    o->cas = NULL;
}
