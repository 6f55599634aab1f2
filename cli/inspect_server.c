/* SPDX-License-Identifier: Apache-2.0
 *
 * inspect_server - one of the servers: what is demanded of it, what it shows, and what then.
 */
#include <stdio.h>

#include "base/clock.h"
#include "cli/inspect.h"
#include "way/from.h"

/* What is known of the server whose turn it is. */
struct turn {
    struct inspect *i;
    size_t at;
    const struct candidate *to;
    struct candidate_facts facts;
    struct attempt_conf conf;
    struct addr v4, v6; /* to connect from */
    bool done;
    struct upstream *up; /* ours if `fail` says so */
    enum fail fail;
    char greeting[320];
};

static bool is_meant(const struct inspect *i, const struct candidate *c)
{
    char bare[ADDR_TEXT], with_port[ADDR_TEXT];

    return !i->plan.server || strcasecmp(i->plan.server, c->name) == 0 ||
           strcmp(i->plan.server, addr_text(&c->at, bare)) == 0 ||
           strcmp(i->plan.server, addr_port_text(&c->at, with_port)) == 0;
}

static void on_done(void *arg)
{
    *(bool *)arg = true;
}

static void spend(struct inspect *i, double began)
{
    if (!inspect_is_decided(i))
        i->spent += clock_mono() - began;
}

static void learn(struct turn *t)
{
    struct inspect *i = t->i;
    bool validates = i->settings->global.trust_anchor_file[0] != '\0';
    double share = inspect_share(i, t->at);

    double began = clock_mono();

    i->done = known_learn(&i->known, i->oracle.line, i->rule, validates, t->to, on_done, &i->done);
    if (!inspect_wait(i, &i->done, share, "TLSA records of ", t->to->name))
        known_give_up(&i->known);
    spend(i, began);
    known_tell(&i->known, &i->find, t->to, &t->facts);
}

static const struct addr *source(struct turn *t)
{
    bool has_v4, has_v6;

    /* Checked when the configuration was read. */
    (void)!source_read(t->i->rule->source_address, &t->v4, &has_v4, &t->v6, &has_v6);
    if (addr_is_v4(&t->to->at))
        return has_v4 ? &t->v4 : NULL;
    return has_v6 ? &t->v6 : NULL;
}

static enum fail settle(struct turn *t)
{
    struct inspect *i = t->i;
    const struct settings *s = i->settings;
    enum fail fail = decide(i->rule, &t->facts, &t->conf.demand);

    (void)snprintf(t->greeting, sizeof t->greeting, OWN_GREETING, s->host_name);
    t->conf = (struct attempt_conf){.base = i->base,
                                    .to = t->to,
                                    .from = source(t),
                                    .ehlo_name =
                                        i->rule->ehlo_name[0] ? i->rule->ehlo_name : s->host_name,
                                    .greeting = t->greeting,
                                    .rule = i->rule,
                                    .demand = t->conf.demand,
                                    .tls = manners_find(i->manners, i->rule, t->conf.demand.level),
                                    .public = manners_public(i->manners),
                                    .dane = known_dane(&i->known, t->to),
                                    .seconds = inspect_share(i, t->at),
                                    .handshake_seconds = (double)s->global.tls_handshake_timeout};
    return fail;
}

static void on_tried(void *arg, struct upstream *up, enum fail fail)
{
    struct turn *t = arg;

    t->up = up;
    t->fail = fail;
    t->done = true;
}

/* As the administrator wrote it or DNS says it: smtp-hosts may name a domain's MX. */
static void report_preference(struct turn *t)
{
    const struct candidate *c = t->to;
    bool written = t->i->rule->smtp_hosts[0] && c->by;

    sheet_number(&t->i->sheet, "preference", written ? c->by->preference : c->preference);
    if (written && c->by->kind == HOST_LOOKUP_MX)
        sheet_number(&t->i->sheet, "mx-preference", c->preference);
}

static void report_facts(struct turn *t)
{
    struct inspect *i = t->i;
    struct sheet *r = &i->sheet;
    const struct answer *policy = find_policy(&i->find, t->to);
    char at[ADDR_TEXT], text[DEMAND_TEXT];

    sheet_text(r, "name", t->to->name[0] ? t->to->name : "none");
    sheet_text(r, "address", addr_port_text(&t->to->at, at));
    report_preference(t);
    inspect_tlsa(i, t->to);
    if (policy)
        sheet_printf(r, "mta-sts", "%s, and %s", sts_mode_word(t->facts.sts),
                     t->facts.sts_lists ? "names it" : "does not name it");
    sheet_text(r, "demand", demand_text(&t->conf.demand, text));
}

static void report_demanders(struct turn *t)
{
    struct sheet *r = &t->i->sheet;
    const struct demand *d = &t->conf.demand;
    const char *last = "";

    sheet_list(r, "demanded-by");
    for (unsigned part = 1; part <= PART_LAST; part <<= 1) {
        const char *by = demand_by((enum demand_part)part, t->i->rule);

        if (!((d->must | d->notes) & part) || strcmp(by, last) == 0)
            continue;
        sheet_printf(r, NULL, "%s%s%s", part & (PART_ENCRYPT | PART_VERIFY) ? "domain " : "", by,
                     d->must & part ? "" : ", only noted");
        last = by;
    }
    sheet_list_end(r);
}

/* Why, in a word of the log, and whose demand that was. */
static void report_fail(struct turn *t, const char *key, enum fail fail, enum demand_part by)
{
    const char *whose = demand_by(by, t->i->rule);
    char text[400];

    snprintf(text, sizeof text, "%s%s%s", fail_word(fail), *whose ? ", by " : "", whose);
    sheet_verdict(&t->i->sheet, key, false, text);
}

static void report_next(struct turn *t, const char *answer)
{
    struct inspect *i = t->i;

    if (!inspect_is_decided(i))
        text_copy(i->answer, sizeof i->answer, span_of(answer));
    sheet_verdict(&i->sheet, "then", false, "the next server");
    sheet_text(&i->sheet, "if-none-is-left", answer);
}

static void report_takes(struct turn *t)
{
    struct inspect *i = t->i;
    char at[ADDR_TEXT];

    if (!inspect_is_decided(i)) {
        i->delivered = true;
        i->secure = t->up->remote.secure;
        snprintf(i->taker, sizeof i->taker, "%s%s%s", t->to->name, t->to->name[0] ? " " : "",
                 addr_port_text(&t->to->at, at));
    }
    sheet_verdict(&i->sheet, "then", true,
                  t->up->remote.secure ? "deliver in TLS" : "deliver in the clear");
}

/* It is ready for MAIL. */
static void go_on(struct turn *t)
{
    struct inspect *i = t->i;
    char said[512];
    int code = inspect_talk(i, t->up, said, sizeof said);

    if (*said)
        sheet_text(&i->sheet, "recipient", said);
    if (code == 0 || code / 100 == 2) {
        report_takes(t);
    } else if (code / 100 == 5) {
        if (!inspect_is_decided(i))
            text_copy(i->answer, sizeof i->answer, span_of(said));
        sheet_verdict(&i->sheet, "then", false, "this answer for the mail server");
        i->refused = true;
    } else {
        report_next(t, code > 0 ? said : fail_reply(FAIL_CLOSED));
    }
}

static void report_remote(struct turn *t)
{
    struct sheet *r = &t->i->sheet;
    const struct remote *remote = &t->up->remote;

    if (*remote->esmtp)
        sheet_text(r, "offers", remote->esmtp);
    if (*remote->said)
        sheet_text(r, "said", remote->said);
    sheet_text(r, "tls", remote->secure ? remote->tls.protocol : "none");
    if (remote->secure)
        inspect_tls(t->i, &t->conf, t->up);
    if (!remote->secure && remote->tls_fail != FAIL_NOT && t->fail == FAIL_NOT)
        report_fail(t, "no-tls", remote->tls_fail, PART_NONE);
    if (remote->noted != FAIL_NOT)
        report_fail(t, "would-refuse", remote->noted, remote->noted_by);
}

static void attempt(struct turn *t)
{
    struct inspect *i = t->i;
    double began = clock_mono();
    struct attempt *a = attempt_new(&t->conf, on_tried, t);

    if (a)
        (void)!inspect_wait(i, &t->done, t->conf.seconds + 1, "asking ",
                            t->to->name[0] ? t->to->name : "the server");
    spend(i, began);
    if (t->up)
        report_remote(t);
    if (t->up && t->fail == FAIL_NOT) {
        go_on(t);
        upstream_free(&t->up);
    } else {
        if (!t->done)
            t->fail = FAIL_TIMEOUT;
        report_fail(t, "why", t->fail, t->up ? t->up->remote.by : PART_NONE);
        report_next(t, fail_reply(t->fail));
    }
    attempt_free(&a);
}

void inspect_server(struct inspect *i, size_t at)
{
    struct turn t = {.i = i, .at = at, .to = &i->find.route.at[at]};
    char title[DNS_NAME + ADDR_TEXT], address[ADDR_TEXT];
    enum fail fail;

    if (!is_meant(i, t.to))
        return;
    i->met++;
    snprintf(title, sizeof title, "server %s%s%s", t.to->name, t.to->name[0] ? " " : "",
             addr_port_text(&t.to->at, address));
    learn(&t);
    fail = settle(&t);
    sheet_open(&i->sheet, NULL, title);
    report_facts(&t);
    report_demanders(&t);
    if (fail == FAIL_NOT) {
        attempt(&t);
    } else {
        report_fail(&t, "why", fail, t.conf.demand.by);
        report_next(&t, fail_reply(fail));
    }
    sheet_close(&i->sheet);
}
