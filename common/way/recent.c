/* SPDX-License-Identifier: Apache-2.0 */
#include "way/recent.h"

#include <stdlib.h>

/* One answer to a place: the last one. Large ones are rare, and not worth their memory. */
enum { PLACES = 512, SIZE_MOST = 4096 };

struct place {
    double until;
    uint32_t port;
    char name[DNS_NAME];
    struct answer *answer; /* ours; as long as it is */
};

struct recent {
    struct place *at[PLACES]; /* ours */
};

struct recent *recent_new(void)
{
    return calloc(1, sizeof(struct recent));
}

static void empty(struct place **at)
{
    if (*at)
        free((*at)->answer);
    free(*at);
    *at = NULL;
}

void recent_free(struct recent **r)
{
    for (size_t i = 0; *r && i < PLACES; i++)
        empty(&(*r)->at[i]);
    free(*r);
    *r = NULL;
}

/* FNV-1a: whoever finds names that share a place has only made us ask. */
static struct place **find_place(struct recent *r, const struct question *q)
{
    uint32_t hash = 2166136261u ^ q->kind ^ q->port << 8;

    for (const char *c = q->name; *c; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619u;
    return &r->at[hash % PLACES];
}

void recent_put(struct recent *r, const struct question *q, const struct answer *a, double now)
{
    size_t size = answer_size(a);
    struct place **to, *p;

    if (!r)
        return;
    to = find_place(r, q);
    empty(to);
    if (a->lasts == 0 || size > SIZE_MOST || !(p = *to = calloc(1, sizeof *p)))
        return;
    if (!(p->answer = malloc(size))) {
        empty(to);
        return;
    }
    p->until = now + (a->lasts < RECENT_SECONDS ? a->lasts : RECENT_SECONDS);
    p->port = q->port;
    memcpy(p->name, q->name, sizeof p->name);
    memcpy(p->answer, a, size);
}

const struct answer *recent_get(struct recent *r, const struct question *q, double now)
{
    const struct place *p = r ? *find_place(r, q) : NULL;

    if (!p || now >= p->until || p->answer->kind != q->kind || p->port != q->port ||
        strcmp(p->name, q->name) != 0)
        return NULL;
    return p->answer;
}
