/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/trust.h"

#include <stdio.h>

#include "base/clock.h"
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

/* The rule of domains that no section is for counts only if there are such. */
static bool heeds_dane(const struct settings *s)
{
    const struct domain *others = domains_find(s->domains, SPAN("any.invalid"));

    for (size_t i = 0; i < domains_count(s->domains); i++) {
        const struct domain *d = domains_at(s->domains, i);

        if (d->use_dane != DOMAIN_DANE_OFF &&
            (d == others || strcmp(d->head.title, "default") != 0))
            return true;
    }
    return false;
}

void trust_begin(struct trust *t, struct event_base *base, struct resolve *r,
                 const struct settings *s)
{
    const char *file = s->global.trust_anchor_file;

    *t = (struct trust){.resolve = r};
    alarm_init(&t->again, base, ask, t);
    if (!heeds_dane(s))
        return;
    t->is = *file ? TRUST_ASKED : TRUST_MISSING;
    if (t->is == TRUST_MISSING) {
        say(t);
        return;
    }
    trust_name(file, t->name);
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

void trust_name(const char *file, char name[DNS_NAME])
{
    FILE *from = fopen(file, "r");
    char line[1024], first[DNS_NAME];
    bool found = false;

    while (!found && from && fgets(line, sizeof line, from))
        found = !strchr(" \t\r\n;$", line[0]) && sscanf(line, "%255s", first) == 1;
    if (from)
        (void)fclose(from);
    memcpy(name, found ? first : ".", found ? sizeof first : 2);
}
