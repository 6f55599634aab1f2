/* SPDX-License-Identifier: Apache-2.0 */
#include "station.h"

#include <stdlib.h>

bool station_init(struct station *at, const struct backend *backend)
{
    *at = (struct station){.backend = backend, .count = backend->server.count};
    at->servers = calloc(at->count, sizeof *at->servers);
    for (size_t i = 0; at->servers && i < at->count; i++) {
        at->servers[i].at = &backend->servers[i];
        at->servers[i].source = backend->from;
        at->servers[i].has_source = backend->has_from;
        at->servers[i].safe = backend->identity != IDENTITY_NONE;
    }
    return at->servers != NULL;
}

void station_clear(struct station *at)
{
    free(at->servers);
    at->servers = NULL;
    at->count = 0;
}

/* Is `a` better than `b`, which comes before it? */
static bool is_better(const struct station *at, const struct station_server *a,
                      const struct station_server *b)
{
    if (a->health != b->health)
        return a->health < b->health;
    if (a->health == HEALTH_DEAD && a->again < b->again)
        return true;
    return a->health == HEALTH_ALIVE && at->backend->balance == BALANCE_LEAST_CONNECTIONS &&
           a->sessions < b->sessions;
}

size_t station_choose(const struct station *at, uint64_t tried)
{
    size_t best = at->count;
    size_t first = at->backend->balance == BALANCE_LEAST_CONNECTIONS ? at->turn : 0;

    for (size_t k = 0; k < at->count; k++) {
        size_t i = (first + k) % at->count;

        if (!(tried >> i & 1) && at->servers[i].safe &&
            (best == at->count || is_better(at, &at->servers[i], &at->servers[best])))
            best = i;
    }
    return best;
}

void station_enter(struct station *at, struct station_server *server)
{
    server->sessions++;
    at->turn = (size_t)(server - at->servers) + 1;
}

void station_leave(struct station_server *server)
{
    server->sessions--;
}

/* What a client is shown before TLS must be so wherever it comes to. */
static void offer_anew(struct station *at)
{
    struct buf both;

    at->offer.len = 0;
    for (size_t i = 0; i < at->count; i++) {
        const struct relay_memory *m = &at->servers[i].memory;

        if (m->len > 0 && at->offer.len == 0) {
            at->offer = *m;
        } else if (m->len > 0) {
            buf_init(&both, sizeof at->offer.reply);
            bool fits = ehlo_common(&both, (struct span){at->offer.reply, at->offer.len},
                                    (struct span){m->reply, m->len});

            at->offer.len = fits ? buf_len(&both) : 0; /* without memory nothing is known */
            if (fits)
                memcpy(at->offer.reply, buf_peek(&both).at, at->offer.len);
            buf_clear(&both);
        }
    }
}

static bool is_known(const struct relay_memory *m, struct span reply)
{
    return reply.len == m->len && memcmp(reply.at, m->reply, reply.len) == 0;
}

static void remember(struct station *at, struct station_server *server, struct span reply)
{
    struct relay_memory *m = &server->memory;

    if (reply.len > sizeof m->reply || is_known(m, reply))
        return;
    memcpy(m->reply, reply.at, reply.len);
    m->len = reply.len;
    offer_anew(at);
}

/* AUTH does not count: who is answered from memory is not shown it. */
static bool is_other_offer(struct span a, struct span b)
{
    const unsigned shown = ((1U << EHLO_STARTTLS) - 1) & ~(1U << EHLO_AUTH);
    const struct ehlo one = ehlo_read(a), two = ehlo_read(b);

    return ((one.has ^ two.has) & shown) != 0 || one.size_max != two.size_max;
}

static void speaks(struct station *at, struct station_server *server, struct span reply, double now)
{
    server->health = HEALTH_ALIVE;
    server->failures = 0;
    server->seen = now;
    remember(at, server, reply);
}

/* One change is a server that was set up anew; the second shows that it depends on who asks. */
enum { CHANGES_MOST = 2 };

bool station_heard(struct station *at, struct station_server *server, struct span reply, double now)
{
    const struct relay_memory *m = &server->memory;
    bool changes = server->told && !is_known(m, reply) &&
                   is_other_offer((struct span){m->reply, m->len}, reply);

    at->changes += changes;
    speaks(at, server, reply, now);
    server->told = true;
    at->offer.stands = at->changes < CHANGES_MOST;
    at->stands_until = now + STATION_STANDS;
    return changes && at->changes == CHANGES_MOST;
}

void station_age(struct station *at, double now)
{
    if (now >= at->stands_until)
        at->offer.stands = false;
}

/* One that stands alone is called in any case. */
void station_doubt(struct station *at, struct station_server *server)
{
    at->offer.stands = false;
    if (server->health == HEALTH_ALIVE && at->count > 1)
        server->health = HEALTH_DOUBTFUL;
}

static double rest(const struct station *at, unsigned failures)
{
    double seconds = (double)at->backend->rest_time;
    double most = seconds > STATION_REST_MOST ? seconds : STATION_REST_MOST;

    for (unsigned i = 1; i < failures && seconds < most; i++)
        seconds *= 2;
    return seconds < most ? seconds : most;
}

bool station_judge(struct station *at, struct station_server *server, struct span reply, double now)
{
    bool was_dead = server->health == HEALTH_DEAD;

    at->offer.stands = server->told = false; /* what we are told need not be what clients are */
    if (reply.len > 0) {
        speaks(at, server, reply, now);
        return was_dead;
    }
    server->health = HEALTH_DEAD;
    server->failures++;
    server->again = now + rest(at, server->failures);
    server->memory.len = 0; /* when it comes back it may be another */
    offer_anew(at);
    return !was_dead;
}

bool station_is_due(const struct station *at, const struct station_server *server, double now)
{
    double every = (double)at->backend->check_interval;

    switch (server->health) {
    case HEALTH_ALIVE:
        return every > 0 && (server->seen == 0 || now - server->seen >= every);
    case HEALTH_DOUBTFUL:
        return true;
    case HEALTH_DEAD:
        return now >= server->again;
    }
    return false;
}

bool station_is_safe(const struct station *at)
{
    return station_choose(at, 0) < at->count;
}
