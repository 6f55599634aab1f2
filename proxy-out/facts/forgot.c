/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/facts/forgot.h"

static const double every = 1; /* seconds, for workers that ask nothing */

void forgot_heed_in(struct forgot *f, struct store_txn *t)
{
    f->serial = memory_forgotten(t, f->serial, f->fn, f->arg);
}

void forgot_heed(struct forgot *f)
{
    struct store_txn *t = f->store ? store_look(f->store) : NULL;

    if (t)
        forgot_heed_in(f, t);
    store_abort(&t);
}

static void on_moment(void *arg)
{
    struct forgot *f = arg;

    alarm_set(&f->alarm, every);
    forgot_heed(f);
}

void forgot_begin(struct forgot *f, struct event_base *base, struct store *store,
                  memory_forgotten_fn *fn, void *arg)
{
    *f = (struct forgot){.store = store};
    alarm_init(&f->alarm, base, on_moment, f);
    forgot_heed(f);
    f->fn = fn;
    f->arg = arg;
    if (store)
        alarm_set(&f->alarm, every);
}

void forgot_end(struct forgot *f)
{
    alarm_stop(&f->alarm);
}
