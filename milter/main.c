/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/accountant.h"
#include "milter/judge.h"
#include "milter/milter.h"
#include "milter/place.h"
#include "milter/books/folders.h"
#include "milter/books/sinks.h"
#include "milter/pipes/feeder.h"

#include <stdlib.h>

#include "base/clock.h"
#include "conf/settings.h"
#include "sync/syncer.h"
#include "tell/reports.h"

static unsigned one(const struct settings *s)
{
    (void)s;
    return 1;
}

struct prepared {
    const struct settings *settings; /* borrowed */
    double warned;
};

static void warn(void *prepared)
{
    struct prepared *p = prepared;
    const struct settings *s = p->settings;

    reports_warn(s->source_sections, s->source_section_count, s->sender_sections,
                 s->sender_section_count, clock_mono(), &p->warned);
}

/* Nothing is shared between the children; only mistakes are found here. */
static void *prepare(const struct settings *s, void *before, bool only_check, char *why,
                     size_t size)
{
    struct sinks *sinks = sinks_open(s, why, size);
    bool fits = sinks && folders_check(s, why, size);
    struct prepared *p = fits ? calloc(1, sizeof *p) : NULL;

    (void)before;
    sinks_close(&sinks);
    if (!p)
        return NULL;
    p->settings = s;
    judge_warn(s);
    if (!only_check)
        warn(p);
    return p;
}

static int run_syncer(struct child *child)
{
    return syncer_run(child, -1); /* callbacks of libmilter do not wait */
}

int main(int argc, char **argv)
{
    static const struct role roles[] = {
        {.name = "accountant", .count = one, .run = accountant_run, .exclusive = true},
        {.name = "syncer", .count = syncer_count, .run = run_syncer, .serves_others = true},
        {.name = "feeder", .count = feeder_count, .run = feeder_run, .exclusive = true},
        {.name = "milter", .count = place_count_files, .run = milter_run_file},
        {.name = "milter-port",
         .count = place_count_ports,
         .run = milter_run_port,
         .exclusive = true},
        {.name = NULL},
    };
    static const struct program program = {
        .name = "sallyport-milter",
        .summary = "policy plug-in for mail servers, and the accountant",
        .roles = roles,
        .prepare = prepare,
        .discard = free,
        .minute = warn,
    };

    return daemon_main(&program, argc, argv);
}
