/* SPDX-License-Identifier: Apache-2.0 */
#include "run/expiry.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "run/daemon.h"
#include "tell/log.h"

enum { DAY = 86400, STAGE_ENDED = 5, DATE = 32 };

/* Each once, though several generations of rules may share a file. */
struct collection {
    struct dated *at; /* ours; its texts are not */
    size_t count, soon, ended;
};

unsigned expiry_stage(const struct dated *d, time_t now)
{
    static const int days[] = {30, 14, 7, 1};
    time_t left = d->until - now;
    unsigned stage = 0;

    if (d->until == 0)
        return 0;
    if (left <= 0)
        return STAGE_ENDED + (d->warns ? (unsigned)(-left / DAY) : 0);
    for (size_t i = 0; d->warns && i < COUNT_OF(days); i++)
        stage += left <= (time_t)days[i] * DAY;
    return stage;
}

static bool is_same(const struct dated *a, const struct dated *b)
{
    return a->until == b->until && strcmp(a->kind, b->kind) == 0 && strcmp(a->file, b->file) == 0 &&
           !a->flaw == !b->flaw;
}

static void collect(void *arg, const struct dated *d)
{
    struct collection *c = arg;
    struct dated *more;

    for (size_t i = 0; i < c->count; i++)
        if (is_same(&c->at[i], d))
            return;
    more = realloc(c->at, (c->count + 1) * sizeof *more);
    if (!more)
        return;
    c->at = more;
    c->at[c->count++] = *d;
}

static struct collection collect_all(const struct program *program, const void *prepared,
                                     time_t now)
{
    struct collection c = {.count = 0};

    if (program->show)
        program->show(prepared, collect, &c);
    for (size_t i = 0; i < c.count; i++) {
        unsigned stage = expiry_stage(&c.at[i], now);

        c.soon += stage > 0 && stage < STAGE_ENDED;
        c.ended += stage >= STAGE_ENDED;
    }
    return c;
}

static const char *date_of(time_t at, char to[DATE])
{
    struct tm tm;

    if (!gmtime_r(&at, &tm) || !strftime(to, DATE, "%Y-%m-%dT%H:%M:%SZ", &tm))
        *to = '\0';
    return to;
}

static void tell(const struct collection *c, const struct dated *d, time_t now)
{
    char date[DATE];
    bool ended = d->until <= now;

    if (d->flaw) {
        log_say(LOG_FAULT, "", "not-used", {"what", span_of(d->kind)}, {"file", span_of(d->file)},
                {"names", span_of(d->names)}, {"why", span_of(d->flaw)});
        return;
    }
    log_say(LOG_FAULT, "", ended ? "has-ended" : "ends-soon", {"what", span_of(d->kind)},
            {"file", span_of(d->file)}, {"names", span_of(d->names)},
            {"days", log_number((double)((d->until - now) / DAY))},
            {"until", span_of(date_of(d->until, date))}, {"soon", log_number((double)c->soon)},
            {"ended", log_number((double)c->ended)}, {"then", SPAN("put a new one there")});
}

void expiry_tell(struct expiry *e, const struct program *program, const void *prepared, bool anew,
                 time_t now)
{
    struct collection c = collect_all(program, prepared, now);

    for (size_t i = 0; i < c.count; i++) {
        const struct dated *d = &c.at[i];
        unsigned before = anew ? 0 : expiry_stage(d, e->told);

        if (d->flaw ? anew : expiry_stage(d, now) > before)
            tell(&c, d, now);
    }
    free(c.at);
    e->told = now;
}

void expiry_print(const struct program *program, const void *prepared, time_t now)
{
    struct collection c = collect_all(program, prepared, now);
    char date[DATE];

    for (size_t i = 0; i < c.count; i++) {
        const struct dated *d = &c.at[i];

        if (d->flaw)
            fprintf(stderr, "%s: %s: this %s is not used: %s\n", program->name, d->file, d->kind,
                    d->flaw);
        else if (expiry_stage(d, now) > 0)
            fprintf(stderr, "%s: %s: this %s for %s %s %s (days: %ld); put a new one there\n",
                    program->name, d->file, d->kind, d->names,
                    d->until <= now ? "has ended on" : "ends on", date_of(d->until, date),
                    (long)((d->until - now) / DAY));
    }
    free(c.at);
}
