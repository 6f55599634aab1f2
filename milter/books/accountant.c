/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/books/accountant.h"

#include <malloc.h>
#include <poll.h>
#include <unistd.h>

#include "base/span.h"
#include "milter/books/ledger.h"
#include "conf/settings.h"
#include "run/watch.h"
#include "tell/log.h"

/* How long to wait after a step, in milliseconds, and whether a change of the spool ends the
 * wait. Batches stand apart, so that many records share what a batch costs by itself, some 300 us,
 * half of it the two syncs of the store: at 20 ms a session with one message cost 25 us here, at
 * 100 ms 5; of sessions one by one 9.3 at 100 ms, 3.2 at up to 400. And on the core of a worker
 * each batch keeps a session waiting. A lock that goes with its process makes no sound: therefore
 * idle waits end too. Not every line that is stored makes one (tell/tail.h): nothing is listened
 * for until there is nothing new after more than TAIL_UNTOLD. */
static const struct {
    int wait;
    bool listens;
} after[] = {
    [LEDGER_IDLE] = {1000, true}, [LEDGER_BEHIND] = {1000, true}, [LEDGER_BUSY] = {400, false},
    [LEDGER_MORE] = {20, false},  [LEDGER_HOLDS] = {50, false},   [LEDGER_STUCK] = {1000, false},
};

/* What comes after a pause waits so long (milliseconds) for what follows: a batch at once would be
 * one of a single record, on the core of the very session that it came from. Of 400 messages, one
 * by one, 3 to 10 took 0.6 to 1.6 ms for its sake; now the first alone, as without accounting. */
enum { AFTER_PAUSE = 200 };

/* Without an ear for changes a short wait stands in. Orders end any wait. */
static void wait_after(enum ledger_end end, int orders, int changes)
{
    bool listens = after[end].listens && changes >= 0;
    struct pollfd on[] = {{.fd = orders, .events = POLLIN},
                          {.fd = listens ? changes : -1, .events = POLLIN}};
    int wait = after[end].listens && changes < 0 ? 200 : after[end].wait;

    if (poll(on, 2, wait) > 0 && on[1].revents && !on[0].revents)
        (void)poll(on, 1, AFTER_PAUSE);
}

/* In bytes: memory of a batch stays for the next one in a row, and goes when nothing comes any more
 * (malloc_trim()). Page by page and back again it took as long as reading the records. */
enum { KEPT = 8 << 20 };

static void keep_memory(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, KEPT);
    (void)mallopt(M_TRIM_THRESHOLD, KEPT);
}

/* When it should stop, what is there is still done; what cannot be done now waits in the
 * spool for the next accountant. */
static void work(struct child *child, struct ledger *l, int changes)
{
    for (bool had_any = false;;) {
        bool last = child_should_drain(child);
        enum ledger_end end;

        watch_clear(changes, child->settings->global.spool_directory);
        end = ledger_step(l);
        if (last && end != LEDGER_BUSY && end != LEDGER_MORE)
            return;
        if (had_any && end == LEDGER_IDLE)
            (void)malloc_trim(0);
        if (!last)
            wait_after(end, child->orders, changes);
        had_any = end == LEDGER_BUSY;
    }
}

int accountant_run(struct child *child)
{
    char why[1024];
    struct ledger *l = ledger_open(child->settings, why, sizeof why);
    int changes;

    if (!l) {
        log_say(LOG_FAULT, "", "accountant-fails", {"why", span_of(why)});
        return 1;
    }
    keep_memory();
    changes = watch_open(child->settings->global.spool_directory);
    child_ready(child);
    work(child, l, changes);
    if (changes >= 0)
        close(changes);
    ledger_close(&l);
    return 0;
}
