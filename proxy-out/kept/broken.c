/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/kept/broken.h"

#include <stdlib.h>
#include <string.h>

struct broken {
    struct {
        struct addr at;
        enum fail how; /* FAIL_NOT: nothing */
        double until;
    } one[BROKEN_MOST];
    size_t next;
    bool any; /* was ever noted: most have none, and are asked for each message */
};

struct broken *broken_new(void)
{
    return calloc(1, sizeof(struct broken));
}

void broken_free(struct broken **b)
{
    free(*b);
    *b = NULL;
}

void broken_clear(struct broken *b)
{
    *b = (struct broken){.next = 0};
}

/* BROKEN_MOST: it is not there. */
static size_t find(const struct broken *b, const struct addr *at)
{
    size_t i = b->any ? 0 : BROKEN_MOST;

    while (i < BROKEN_MOST && (b->one[i].how == FAIL_NOT || b->one[i].at.port != at->port ||
                               memcmp(b->one[i].at.ip, at->ip, sizeof at->ip) != 0))
        i++;
    return i;
}

void broken_note(struct broken *b, const struct addr *at, enum fail how, double now)
{
    size_t i = find(b, at);

    if (i == BROKEN_MOST) {
        if (how == FAIL_NOT)
            return;
        i = b->next;
        b->next = (b->next + 1) % BROKEN_MOST;
        b->any = true;
    }
    b->one[i].at = *at;
    b->one[i].how = how;
    b->one[i].until = now + BROKEN_SECONDS;
}

void broken_learn(struct broken *b, const struct demand *demand, const struct remote *remote,
                  double now)
{
    bool broke = remote->tls_fail == FAIL_HANDSHAKE || remote->tls_fail == FAIL_STALLED;

    if (remote->secure)
        broken_note(b, &remote->at, FAIL_NOT, now);
    else if (broke && demand->level == DEMAND_MAY && demand->broken == FAIL_NOT)
        broken_note(b, &remote->at, remote->tls_fail, now);
}

enum fail broken_how(const struct broken *b, const struct addr *at, double now)
{
    size_t i = find(b, at);

    return i < BROKEN_MOST && now < b->one[i].until ? b->one[i].how : FAIL_NOT;
}
