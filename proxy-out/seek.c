/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/seek.h"

#include "base/clock.h"
#include "base/text.h"
#include "proxy-out/seen.h"
#include "way/from.h"
#include "proxy-out/kept/key.h"
#include "proxy-out/relay/patience.h"
#include "proxy-out/pages.h"
#include "proxy-out/reach.h"
#include "way/family.h"
#include "way/roll.h"
#include "proxy-out/tried.h"

static void try(struct seek *k);
static void on_found(void *arg);

/* The last server's own fail tells more than that there are no more. */
static void none(struct seek *k, enum fail fail)
{
    k->is = SEEK_NONE;
    if (k->fail == FAIL_NOT)
        k->fail = fail;
    alarm_stop(&k->alarm);
}

static void busy(struct seek *k)
{
    none(k, FAIL_BUSY);
    tried_fail(k);
}

static const char *ehlo_name(const struct seek *k)
{
    return k->rule->ehlo_name[0] ? k->rule->ehlo_name : k->worker->settings->host_name;
}

static const struct addr *source_for(const struct seek *k, const struct candidate *c)
{
    bool is_v4 = addr_is_v4(&c->at);

    if (k->handed->has_from)
        return &k->handed->from;
    if (is_v4)
        return k->has_v4 ? &k->v4 : NULL;
    return k->has_v6 ? &k->v6 : NULL;
}

static const struct candidate *candidate(const struct seek *k)
{
    return &k->find.route.at[k->at];
}

/* For the records; the long texts if any of them wants those. */
static void publish(const struct seek *k, struct remote *remote)
{
    remote->published.trouble = find_trouble(&k->find, candidate(k));
    if (k->worker->settings->wanted.policy)
        published_tell(&k->find, &k->known, candidate(k), k->domain, &remote->published);
}

static void found(struct seek *k, struct upstream *up, bool reused)
{
    k->is = SEEK_FOUND;
    /* It may have been made for another domain, of the same demand. */
    up->remote.rule = k->rule->head.title;
    up->remote.unwritten = k->rule->disable_acct_records;
    publish(k, &up->remote);
    tried_noted(k, &up->remote);
    if (up->remote.secure && k->rule->starttls_memory > 0)
        seen_tell(k->worker, k->domain, k->rule->starttls_memory);
    k->up = up;
    k->reused = reused;
    k->at++;
    alarm_stop(&k->alarm);
}

static void make_key(struct seek *k)
{
    const struct candidate *c = candidate(k);
    const struct answer *policy = find_policy(&k->find, c);
    struct dane dane = known_dane(&k->known, c);

    key_make(k->key, &(struct key_of){.to = c,
                                      .from = source_for(k, c),
                                      .ehlo_name = ehlo_name(k),
                                      .rule = k->rule,
                                      .demand = &k->demand,
                                      .dane = &dane,
                                      .policy = policy ? policy->sts.id : "",
                                      .tls = k->tls});
}

/* The owner, if it is over. */
static void tell(struct seek *k)
{
    if (k->is == SEEK_FOUND || k->is == SEEK_NONE)
        k->fn(k->arg);
}

static void on_tried(void *arg, struct upstream *up, enum fail fail)
{
    struct seek *k = arg;
    struct quota *quota = k->quota;

    k->quota = NULL;
    broken_learn(k->worker->broken, &k->demand, &up->remote, clock_mono());
    if (up->remote.tls_fail == FAIL_HANDSHAKE || up->remote.tls_fail == FAIL_STALLED)
        resume_forget(k->worker->resume, k->key);
    reach_note(k->worker, &up->remote.at, fail);
    if (fail == FAIL_NOT) {
        up->quota = quota;
        up->give_back = quota_leave;
        memcpy(up->key, k->key, sizeof up->key);
        attempt_free(&k->attempt);
        found(k, up, false);
    } else {
        k->fail = fail;
        k->remote = up->remote;
        publish(k, &k->remote);
        tried_fail(k);
        attempt_free(&k->attempt);
        quota_leave(quota);
        k->at++;
        try(k);
    }
    tell(k);
}

static void on_turn(void *arg)
{
    struct seek *k = arg;

    try(k);
    tell(k);
}

static void attempt(struct seek *k, const struct candidate *c, double left)
{
    struct attempt_conf conf = {.base = k->worker->base,
                                .to = c,
                                .from = source_for(k, c),
                                .ehlo_name = ehlo_name(k),
                                .greeting = k->worker->greeting,
                                .rule = k->rule,
                                .demand = k->demand,
                                .tls = k->tls,
                                .public = manners_public(k->worker->manners),
                                .dane = known_dane(&k->known, c),
                                .seconds = attempt_share(left, k->find.route.count - k->at),
                                .connect_seconds = family_patience(&k->find.route, k->at, k->rule),
                                .handshake_seconds =
                                    (double)k->worker->settings->global.tls_handshake_timeout};

    k->is = SEEK_TRIES;
    k->fresh = false;
    alarm_stop(&k->alarm);
    conf.session = k->rule->reuse_ssl_session ? resume_take(k->worker->resume, k->key) : NULL;
    if ((k->attempt = attempt_new(&conf, on_tried, k)))
        return;
    conn_session_free(&conf.session);
    quota_leave(k->quota);
    k->quota = NULL;
    none(k, FAIL_CONNECT);
}

/* Of the candidate at `at`; all there is to know is known. False: it is not to be tried. */
static bool settle(struct seek *k)
{
    const struct candidate *c = candidate(k);
    struct candidate_facts facts;
    enum fail fail;

    known_tell(&k->known, &k->find, c, &facts);
    facts.broken = broken_how(k->worker->broken, &c->at, clock_mono());
    fail = decide(k->rule, &facts, &k->demand);
    k->tls = manners_find(k->worker->manners, k->rule, k->demand.level);
    if (fail == FAIL_NOT)
        return true;
    k->fail = fail;
    k->remote = (struct remote){.rule = k->rule->head.title,
                                .client_cert = "",
                                .demand = k->demand,
                                .at = c->at,
                                .tls_fail = fail,
                                .by = k->demand.by,
                                .session = id_next()};
    k->remote.unwritten = k->rule->disable_acct_records;
    publish(k, &k->remote);
    text_copy(k->remote.name, sizeof k->remote.name, span_of(c->name));
    tried_fail(k);
    return false;
}

static bool validates(const struct seek *k)
{
    return k->worker->settings->global.trust_anchor_file[0] != '\0';
}

/* Goes on to a candidate that may be tried. False: there is none, or it is to be learnt about. */
static bool settle_next(struct seek *k, double left)
{
    for (; k->at < k->find.route.count && left > 0; k->at++) {
        if (!known_learn(&k->known, k->worker->line, k->rule, validates(k), candidate(k), on_turn,
                         k)) {
            k->is = SEEK_LEARNS;
            alarm_set(&k->alarm, attempt_share(left, k->find.route.count - k->at));
            return false;
        }
        if (settle(k))
            return true;
    }
    none(k, FAIL_ROUTE_DEADLINE);
    return false;
}

/* The candidate at `at`, if there is one and time for it; or the next that is to be tried. */
static void try(struct seek *k)
{
    double left = k->deadline - clock_mono();
    char name[IDNA_NAME];
    struct upstream *kept;
    const char *counts_as;

    if (!settle_next(k, left))
        return;
    make_key(k);
    counts_as = roll_counts_as(k->rollup, k->domain, candidate(k), name);
    if (!k->fresh && (kept = pool_take(k->worker->pool, k->key, counts_as, k->rule))) {
        found(k, kept, true);
        return;
    }
    if ((k->quota = quota_enter(pool_quotas(k->worker->pool), counts_as, k->rule->max_smtp_out))) {
        attempt(k, candidate(k), left);
        return;
    }
    k->waiter.again = k->fresh;
    if (quota_wait(pool_quotas(k->worker->pool), counts_as, k->rule->max_smtp_out, &k->waiter,
                   on_turn, k)) {
        k->is = SEEK_WAITS;
        alarm_set(&k->alarm, left / 2 < PATIENCE_WAIT ? left / 2 : PATIENCE_WAIT);
        return;
    }
    busy(k);
}

static void take_rule(struct seek *k, const struct domain *rule)
{
    k->rule = rule;
    /* What it is for a candidate is decided when it is its turn. */
    (void)!decide(rule, &(struct candidate_facts){.tlsa = TLSA_NONE}, &k->demand);
    k->remote = (struct remote){.rule = rule->head.title, .client_cert = "", .demand = k->demand};
    k->remote.unwritten = rule->disable_acct_records;
    /* Checked when the configuration was read. */
    (void)!source_read(rule->source_address, &k->v4, &k->has_v4, &k->v6, &k->has_v6);
}

/* True: it is over already. */
static bool start_find(struct seek *k)
{
    return find_start(&k->find, k->worker->line, span_of(k->domain), k->rule, &k->worker->own,
                      k->handed->to.port ? &k->handed->to : NULL, on_found, k);
}

/* The rule of a rollup, where the servers are of one. True: it leads to others, and they are
 * sought. Where the mail server chose the server, the domain's others are not known. */
static bool roll_up(struct seek *k)
{
    const struct settings *s = k->worker->settings;
    const struct domain *own = k->rule;

    if (k->rollup || k->handed->to.port || !(k->rollup = roll_find(s, own, &k->find.route)))
        return false;
    take_rule(k, domains_find(s->domains, span_of(k->rollup->name)));
    if (!roll_leads_away(own, k->rule))
        return false;
    find_clear(&k->find);
    return !start_find(k);
}

static void go_on(struct seek *k)
{
    if (k->find.fail == FAIL_NOT && roll_up(k))
        return;
    reach_order(k->worker, &k->find.route);
    if (k->find.fail == FAIL_NOT)
        try(k);
    else
        none(k, k->find.fail);
}

static void on_found(void *arg)
{
    struct seek *k = arg;

    go_on(k);
    tell(k);
}

static void on_late(void *arg)
{
    struct seek *k = arg;

    switch (k->is) {
    case SEEK_FINDS:
        find_cancel(&k->find);
        none(k, FAIL_DNS);
        break;
    case SEEK_LEARNS:
        known_give_up(&k->known);
        on_turn(k);
        return;
    case SEEK_WAITS:
        quota_forget(&k->waiter);
        busy(k);
        break;
    case SEEK_TRIES:
    case SEEK_FOUND:
    case SEEK_NONE:
        return;
    }
    k->fn(k->arg);
}

static void begin(struct seek *k)
{
    take_rule(k, domains_find(k->worker->settings->domains, span_of(k->domain)));
    k->began = clock_mono();
    k->deadline = k->began + (double)k->rule->route_deadline;
    k->is = SEEK_FINDS;
    alarm_set(&k->alarm, (double)k->rule->route_deadline / 2); /* some is for connecting */
    if (start_find(k))
        go_on(k);
}

struct seek *seek_new(struct worker *w, const char *session, const struct handed *handed,
                      const char *domain, unsigned transaction, watch_fn *fn, void *arg)
{
    struct seek *k = pages_get(sizeof *k);

    if (!k)
        return NULL;
    memset(k, 0, offsetof(struct seek, find));
    find_init(&k->find);
    k->worker = w;
    k->session = session;
    k->handed = handed;
    k->transaction = transaction;
    k->fn = fn;
    k->arg = arg;
    text_copy(k->domain, sizeof k->domain, span_of(domain));
    alarm_init(&k->alarm, w->base, on_late, k);
    begin(k);
    return k;
}

void seek_free(struct seek **at)
{
    struct seek *k = *at;

    if (!k)
        return;
    *at = NULL;
    alarm_stop(&k->alarm);
    find_clear(&k->find);
    known_clear(&k->known);
    quota_forget(&k->waiter);
    attempt_free(&k->attempt);
    upstream_free(&k->up);
    if (k->quota)
        quota_leave(k->quota);
    pages_give(k, sizeof *k);
}

struct upstream *seek_take(struct seek *k)
{
    struct upstream *up = k->up;

    k->up = NULL;
    return up;
}

bool seek_has_more(const struct seek *k)
{
    return k->at < k->find.route.count && k->deadline > clock_mono();
}

void seek_next(struct seek *k)
{
    k->fail = FAIL_NOT;
    try(k);
}

void seek_again(struct seek *k)
{
    k->at--;
    k->fresh = true;
    try(k);
}
