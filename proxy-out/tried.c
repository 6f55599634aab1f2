/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/tried.h"

#include "base/clock.h"
#include "proxy-out/relay/records.h"
#include "tell/log.h"

enum { TELL_EVERY = 60 }; /* seconds between log lines that say the same */

static bool append(struct spool *spool, const struct buf *line)
{
    bool ok = spool_reserve(spool, RECORD_MAX);

    ok = ok && spool_append(spool, buf_peek(line));
    spool_release(spool, ok ? RECORD_MAX : 0);
    return ok;
}

static void tell_full(struct worker *w)
{
    double now = clock_mono();

    w->untold_attempts++;
    if (w->told_full > 0 && now - w->told_full < TELL_EVERY)
        return;
    log_say(LOG_FAULT, "", "attempt-not-recorded", {"count", log_number(w->untold_attempts)},
            {"why", SPAN("there is no room in spool-directory for a record of type tq")});
    w->told_full = now;
    w->untold_attempts = 0;
}

/* To wait for a place is no attempt. */
static void record(const struct seek *k)
{
    struct worker *w = k->worker;
    struct buf line;

    if (!w->spool || !w->settings->wanted.attempts || k->fail == FAIL_BUSY)
        return;
    buf_init(&line, RECORD_MAX);
    if (!records_add_attempt(&line, k->session, k->domain, &k->remote, k->fail) ||
        !append(w->spool, &line))
        tell_full(w);
    buf_clear(&line);
}

void tried_fail(const struct seek *k)
{
    char at[ADDR_TEXT], demand[DEMAND_TEXT];

    record(k);
    if (log_is_on(LOG_SESSION))
        log_say(LOG_SESSION, k->session, "not-reached", {"why", span_of(fail_word(k->fail))},
                {"domain", span_of(k->domain)}, {"server", span_of(k->remote.name)},
                {"address", span_of(addr_port_text(&k->remote.at, at))},
                {"tls", span_of(demand_text(&k->demand, demand))},
                {"by", span_of(demand_by(k->remote.by, k->rule))},
                {"said", span_of(k->remote.said)});
}

void tried_noted(const struct seek *k, const struct remote *remote)
{
    if (remote->noted != FAIL_NOT && log_is_on(LOG_SESSION))
        log_say(LOG_SESSION, k->session, "would-refuse", {"why", span_of(fail_word(remote->noted))},
                {"domain", span_of(k->domain)}, {"server", span_of(remote->name)},
                {"by", span_of(demand_by(remote->noted_by, k->rule))});
}
