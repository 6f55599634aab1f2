/* SPDX-License-Identifier: Apache-2.0 */
#include "keep/hints.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/siphash.h"
#include "keep/shared.h"

/* A place holds the minute behind which nothing is kept there. 100 messages a second that are
 * remembered for two hours take half of them; pages that nobody touched are not there. */
enum { PLACES = 1 << 20 };

struct shared {
    atomic_bool knows;
    _Atomic uint32_t places[PLACES];
};

struct hints {
    uint64_t seed[2];
    struct shared *shared;
};

struct hints *hints_new(void)
{
    struct hints *h = calloc(1, sizeof *h);

    if (h && !(h->shared = shared_new(sizeof *h->shared, h->seed)))
        hints_free(&h);
    return h;
}

void hints_free(struct hints **h)
{
    if (*h)
        shared_free((*h)->shared, sizeof *(*h)->shared);
    free(*h);
    *h = NULL;
}

static _Atomic uint32_t *place_of(const struct hints *h, struct span name)
{
    return &h->shared->places[siphash(h->seed, name) % PLACES];
}

/* The next full minute, and one more: who marks and who keeps need not look at the clock at once.
 */
static uint32_t minute_of(double until)
{
    double minute = until / 60 + 2;

    return minute < 0 ? 0 : minute < UINT32_MAX ? (uint32_t)minute : UINT32_MAX;
}

void hints_mark(struct hints *h, struct span name, double until)
{
    uint32_t to = minute_of(until), there;

    if (!h)
        return;
    _Atomic uint32_t *place = place_of(h, name);

    there = atomic_load(place);
    while (there < to && !atomic_compare_exchange_weak(place, &there, to))
        ;
}

void hints_know(struct hints *h, bool all)
{
    if (h)
        atomic_store(&h->shared->knows, all);
}

bool hints_has(const struct hints *h, struct span name, double now)
{
    return !h || !atomic_load(&h->shared->knows) || now / 60 < atomic_load(place_of(h, name));
}
