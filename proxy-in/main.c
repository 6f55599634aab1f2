/* SPDX-License-Identifier: Apache-2.0
 *
 * sallyport-in: mail coming in.
 */
#include "net/kdf.h"
#include "net/records.h"
#include "prepare.h"
#include "run/daemon.h"
#include "conf/settings.h"
#include "server.h"
#include "sync/syncer.h"

static int run_syncer(struct child *child)
{
    const struct prepared *p = child->prepared;

    prepare_stopping(child->prepared);
    return syncer_run(child, p->syncer);
}

int main(int argc, char **argv)
{
    static const struct role roles[] = {
        {.name = "syncer", .count = syncer_count, .run = run_syncer, .serves_others = true},
        {.name = "worker",
         .count = settings_workers,
         .run = server_run,
         .buried = prepare_buried,
         .keeps_net_raw = prepare_is_transparent},
        {.name = NULL},
    };
    static const struct program program = {
        .name = "sallyport-in",
        .summary = "Takes mail in over TLS, by rules, for the mail server behind it.",
        .roles = roles,
        .prepare = prepare_new,
        .discard = prepare_free,
        .files = prepare_files,
        .show = prepare_show,
        .minute = prepare_minute,
        .stopping = prepare_stopping,
    };

    records_use();
    kdf_use();
    return daemon_main(&program, argc, argv);
}
