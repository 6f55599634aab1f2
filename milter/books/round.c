/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/round.h"

#include <errno.h>
#include <stdlib.h>

#include "tell/log.h"

void round_end(struct round *r)
{
    free(r->readings);
    free(r->present);
    *r = (struct round){0};
}

static void add_readings(struct round *r, const struct spool_segment *from, size_t count,
                         bool received)
{
    for (size_t i = 0; i < count; i++) {
        if (from[i].received == received)
            r->readings[r->count++].segment = from[i];
    }
}

bool round_start(struct round *r, const char *folder)
{
    struct spool_segment *first;
    size_t count = spool_list(folder, &first), present;

    round_end(r);
    if (count == (size_t)-1)
        return false;
    present = spool_list(folder, &r->present);
    if (present != (size_t)-1) {
        r->present_count = present;
        r->readings = calloc(count + present + 1, sizeof *r->readings);
    }
    if (r->readings) {
        add_readings(r, r->present, present, true);
        add_readings(r, first, count, false);
    }
    free(first);
    return r->readings != NULL;
}

static bool is_finished(const struct reading *g)
{
    return g->segment.closed && g->ended;
}

static bool is_read(const struct round *r, const char *name)
{
    for (size_t i = 0; i < r->count; i++) {
        if (strcmp(r->readings[i].segment.name, name) == 0)
            return is_finished(&r->readings[i]);
    }
    return false;
}

bool round_is_gone(const struct round *r, struct span writer)
{
    for (size_t i = 0; i < r->present_count; i++) {
        const struct spool_segment *s = &r->present[i];

        if (!s->received && span_is(writer, s->writer) && !is_read(r, s->name))
            return false;
    }
    return true;
}

bool round_has_delivery(const struct round *r)
{
    for (size_t i = 0; i < r->present_count; i++) {
        if (!r->present[i].received)
            return true;
    }
    return false;
}

bool round_has_closed_delivery(const struct round *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (!r->readings[i].segment.received && is_finished(&r->readings[i]))
            return true;
    }
    return false;
}

bool round_holds(const struct round *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->readings[i].held)
            return true;
    }
    return false;
}

bool round_has(const struct round *r, struct span name)
{
    for (size_t i = 0; i < r->present_count; i++) {
        if (span_is(name, r->present[i].name))
            return true;
    }
    return false;
}

void round_remove(const struct round *r, const char *folder)
{
    for (size_t i = 0; i < r->count; i++) {
        const char *name = r->readings[i].segment.name;

        if (is_finished(&r->readings[i]) && !spool_remove(folder, name) && errno != ENOENT)
            log_say(LOG_FAULT, "", "spool-stays", {"segment", span_of(name)},
                    {"why", span_of(strerror(errno))});
    }
}
