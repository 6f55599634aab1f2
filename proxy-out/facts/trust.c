/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/facts/trust.h"

#include <stdio.h>

#include "base/clock.h"
#include "dns/anchor.h"
#include "dns/resolve.h"
#include "tell/log.h"

static void ask(void *arg);

static void say(struct trust *t)
{
    bool missing = t->is == TRUST_MISSING;

    log_say(missing ? LOG_LIFE : LOG_FAULT, "", "no-dnssec",
            {"why", missing ? SPAN("no trust-anchor-file")
                            : SPAN("the trust anchor's own name does not validate")},
            {"then",
             missing ? SPAN("no TLSA record counts") : SPAN("mail for signed domains is deferred")},
            {"remedy", missing
                           ? SPAN("trust-anchor-file = /usr/share/dns/root.key (package "
                                  "dns-root-data), or use-dane = off for all domains")
                           : SPAN("a name-server that hands DNSSEC signatures on, or none; a new "
                                  "trust-anchor-file; the right time of day")},
            {"unvalidated", log_number((double)t->missed)});
    t->missed = 0;
    t->said = clock_mono();
}

static void settle(struct trust *t, bool secure)
{
    bool spoke = t->is == TRUST_BROKEN;

    t->is = secure ? TRUST_PROVEN : TRUST_BROKEN;
    if (!secure) {
        alarm_set(&t->again, TRUST_ASK_AFTER);
        if (!spoke)
            say(t);
    } else if (spoke) {
        alarm_stop(&t->again);
        log_say(LOG_LIFE, "", "dnssec-works", {"unvalidated", log_number((double)t->missed)});
    }
}

static void on_answer(void *arg, enum resolved how, bool secure, struct span message)
{
    struct trust *t = arg;

    (void)how;
    (void)message;
    if (t->is == TRUST_ASKED || t->is == TRUST_BROKEN)
        settle(t, secure);
}

static void ask(void *arg)
{
    struct trust *t = arg;

    resolve_ask(t->resolve, t->name, DNS_SOA, on_answer, t);
}

void trust_begin(struct trust *t, struct event_base *base, struct resolve *r,
                 const struct settings *s)
{
    const char *file = s->global.trust_anchor_file;

    *t = (struct trust){.resolve = r};
    alarm_init(&t->again, base, ask, t);
    if (!domains_heed_dane(s->domains))
        return;
    t->is = *file ? TRUST_ASKED : TRUST_MISSING;
    if (t->is == TRUST_MISSING) {
        say(t);
        return;
    }
    anchor_name(file, t->name);
    ask(t);
}

void trust_end(struct trust *t)
{
    alarm_stop(&t->again);
    t->is = TRUST_UNWANTED; /* what was asked is answered when the resolver ends */
}

/* One that is secure shows that the way validates, whatever became of the anchor's name. */
void trust_note(struct trust *t, const struct answer *a)
{
    if (a->secure && t->is == TRUST_BROKEN)
        settle(t, true);
    if ((t->is != TRUST_MISSING && t->is != TRUST_BROKEN) ||
        (a->kind != QUESTION_MAIL && a->kind != QUESTION_TLSA))
        return;
    t->missed++;
    if (clock_mono() - t->said >= TRUST_SAY_AFTER)
        say(t);
}
