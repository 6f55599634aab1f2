/* SPDX-License-Identifier: Apache-2.0 */
#include "patrol.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "base/clock.h"
#include "behind/probe.h"
#include "behind/visit.h"
#include "tell/log.h"

/* A server that is looked after. */
struct post {
    SLIST_ENTRY(post) link;
    struct patrol *patrol;
    struct station *at;
    struct station_server *server;
    struct tls *tls;     /* borrowed */
    struct visit *visit; /* ours; NULL: it is not being called */
    struct probe *probe; /* ours; NULL: it takes the identity */
    bool asked;          /* the probe's first answer is still to come */
};

struct patrol {
    struct event_base *base;
    const char *host_name;
    patrol_fn *ready;
    void *arg;
    SLIST_HEAD(, post) posts;
    size_t unasked;
    bool serves;
};

struct patrol *patrol_new(struct event_base *base, const char *host_name, patrol_fn *ready,
                          void *arg)
{
    struct patrol *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    *p = (struct patrol){.base = base, .host_name = host_name, .ready = ready, .arg = arg};
    SLIST_INIT(&p->posts);
    return p;
}

void patrol_free(struct patrol **at)
{
    struct patrol *p = *at;

    if (!p)
        return;
    *at = NULL;
    for (struct post *post; (post = SLIST_FIRST(&p->posts));) {
        SLIST_REMOVE_HEAD(&p->posts, link);
        visit_free(&post->visit);
        probe_free(&post->probe);
        free(post);
    }
    free(p);
}

static void open_up(struct patrol *p)
{
    if (p->serves || p->unasked > 0)
        return;
    p->serves = true;
    p->ready(p->arg);
}

static void tell_probed(const struct post *post, const struct probed *found)
{
    const struct backend *b = post->at->backend;
    bool safe = found->verdict == VERDICT_SAFE;
    char asked[sizeof found->asked + 16] = "";

    if (*found->asked)
        snprintf(asked, sizeof asked, "RCPT TO:<%s>", found->asked);
    log_say(safe ? LOG_LIFE : LOG_FAULT, "", safe ? "probe-passed" : "probe-failed",
            {"backend", span_of(b->head.title)}, {"server", span_of(post->server->at->text)},
            {"why", span_of(verdict_what(found->verdict))}, {"asked", span_of(asked)},
            {"said", span_of(found->said)},
            {"remedy", span_of(verdict_remedy(found->verdict, b->identity))});
}

/* Until one is safe clients get 421. */
static void on_probed(void *arg, const struct probed *found)
{
    struct post *post = arg;
    bool safe = found->verdict == VERDICT_SAFE;

    if (safe != post->server->safe || post->asked)
        tell_probed(post, found);
    post->server->safe = safe;
    post->patrol->unasked -= post->asked;
    post->asked = false;
    open_up(post->patrol);
}

static void on_visited(void *arg, struct span reply, const char *why)
{
    struct post *post = arg;
    bool well = reply.len > 0;
    struct station_server *server = post->server;

    if (station_judge(post->at, server, reply, clock_mono()))
        log_say(LOG_LIFE, "", well ? "server-alive" : "server-dead",
                {"backend", span_of(post->at->backend->head.title)},
                {"server", span_of(server->at->text)}, {"said", span_of(why)});
    visit_free(&post->visit);
}

static struct guest us(const struct patrol *p, const struct backend *b)
{
    return (struct guest){.identity = IDENTITY_NONE,
                          .helo = p->host_name,
                          .session = "",
                          .use_tls = (enum backend_tls)b->use_tls};
}

static struct wire_plan way_to(const struct post *post)
{
    return (struct wire_plan){
        .backend = post->at->backend, .server = post->server->at, .tls = post->tls};
}

bool patrol_add(struct patrol *p, struct station *at, struct tls *tls)
{
    for (size_t i = 0; i < at->count; i++) {
        struct post *post = calloc(1, sizeof *post);

        if (!post)
            return false;
        *post = (struct post){.patrol = p, .at = at, .server = &at->servers[i], .tls = tls};
        SLIST_INSERT_HEAD(&p->posts, post, link);
        if (post->server->safe)
            continue;
        post->probe = probe_new(
            p->base,
            &(struct probe_plan){.to = way_to(post), .who = us(p, at->backend), PROBE_FOR_EVER},
            on_probed, post);
        if (!post->probe)
            return false;
        post->asked = true;
        p->unasked++;
    }
    return true;
}

void patrol_walk(struct patrol *p)
{
    double now = clock_mono();
    struct post *post;

    SLIST_FOREACH(post, &p->posts, link)
    {
        const struct wire_plan to = way_to(post);

        station_age(post->at, now);
        if (!post->visit && station_is_due(post->at, post->server, now))
            post->visit = visit_new(p->base, &to, p->host_name, on_visited, post);
    }
    open_up(p);
}
