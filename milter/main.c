/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/accountant.h"
#include "milter/milter.h"
#include "milter/place.h"
#include "milter/sinks.h"

#include <stdio.h>

static unsigned one(const struct settings *s)
{
    (void)s;
    return 1;
}

/* Nothing is shared between the children; only mistakes are found here. */
static void *prepare(const struct settings *s, void *before, bool only_check, char *why,
                     size_t size)
{
    static char nothing;
    struct sinks *sinks = sinks_open(s, why, size);
    bool ok = sinks != NULL;

    (void)before;
    (void)only_check;
    sinks_close(&sinks);
    return ok ? &nothing : NULL;
}

static void discard(void *prepared)
{
    (void)prepared;
}

int main(int argc, char **argv)
{
    static const struct role roles[] = {
        {.name = "accountant", .count = one, .run = accountant_run, .exclusive = true},
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
        .discard = discard,
    };

    return daemon_main(&program, argc, argv);
}
