/* SPDX-License-Identifier: Apache-2.0
 *
 * sallyport-out: mail going out.
 */
#include "net/few.h"
#include "net/kdf.h"
#include "net/records.h"
#include "proxy-out/facts/facts.h"
#include "proxy-out/prepare.h"
#include "proxy-out/server.h"
#include "run/daemon.h"
#include "conf/settings.h"
#include "sync/syncer.h"

static int run_facts(struct child *child)
{
    const struct prepared *p = child->prepared;

    prepare_stopping(child->prepared); /* they are the workers' */
    return facts_run(child, p->facts, p->sts_cas, p->hints);
}

static int run_syncer(struct child *child)
{
    const struct prepared *p = child->prepared;

    prepare_stopping(child->prepared);
    return syncer_run(child, p->syncer);
}

int main(int argc, char **argv)
{
    static const struct role roles[] = {
        {.name = "facts", .count = prepare_one, .run = run_facts, .serves_others = true},
        {.name = "syncer", .count = syncer_count, .run = run_syncer, .serves_others = true},
        {.name = "worker", .count = settings_workers, .run = server_run},
        {.name = NULL},
    };
    static const struct program program = {
        .name = "sallyport-out",
        .summary = "Delivers mail for the mail server, by rules, while that waits.",
        .roles = roles,
        .prepare = prepare_new,
        .discard = prepare_free,
        .files = prepare_files,
        .show = prepare_show,
        .minute = prepare_minute,
        .stopping = prepare_stopping,
    };

    records_use();
    few_use();
    kdf_use();
    return daemon_main(&program, argc, argv);
}
