/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/facts/policies.h"

#include <stdio.h>
#include <stdlib.h>

#include "sts/cas.h"
#include "sts/keeper.h"
#include "sts/sts_answer.h"
#include "tell/log.h"

struct policies {
    struct keeper *keeper;
};

struct pending {
    uint32_t number;
    lookup_fn *fn;
    void *arg;
};

char *policies_cas(const struct global *g, char *why, size_t size)
{
    char what[1024];
    char *text = cas_read(g->mta_sts_ca_file, what, sizeof what);

    if (!text)
        snprintf(why, size, "%s:%u: mta-sts-ca-file: %s", g->head.file, g->head.line, what);
    return text;
}

static void tell_trouble(const struct keeper_news *n)
{
    struct span word = span_of(sts_trouble_word(n->trouble)), why = span_of(n->why);

    /* That a domain's name servers do not answer is seen elsewhere, if it matters. */
    if (n->kept)
        log_say(LOG_SESSION, "", "sts-policy", {"domain", span_of(n->domain)}, {"result", word},
                {"why", why}, {"kept", span_of(n->kept->id)},
                {"mode", span_of(sts_mode_word(n->kept->policy.mode))},
                {"until", log_number(n->kept->fetched + n->kept->policy.max_age)});
    else
        log_say(n->was_fetched ? LOG_SESSION : LOG_STEP, "", "sts-policy",
                {"domain", span_of(n->domain)}, {"result", word}, {"why", why},
                {"kept", SPAN("none")});
}

static void tell(void *arg, const struct keeper_news *n)
{
    (void)arg;
    if (n->trouble != STS_FINE || !n->kept) {
        tell_trouble(n);
        return;
    }
    log_say(LOG_SESSION, "", "sts-policy", {"domain", span_of(n->domain)},
            {"result", SPAN("fetched")}, {"id", span_of(n->kept->id)},
            {"mode", span_of(sts_mode_word(n->kept->policy.mode))},
            {"max-age", log_number(n->kept->policy.max_age)},
            {"mx", log_number((double)n->kept->policy.count)});
}

struct policies *policies_new(struct event_base *base, struct resolve *resolve, struct store *store,
                              const struct global *g, const char *cas, char *why, size_t size)
{
    struct keeper_rules rules = {.fetch = {.cas = span_of(cas),
                                           .port = (unsigned)g->mta_sts_port,
                                           .seconds = (double)g->mta_sts_timeout},
                                 .allow_private = g->mta_sts_allow_private};
    struct policies *p = calloc(1, sizeof *p);

    snprintf(why, size, "out of memory");
    if (p && (p->keeper = keeper_new(base, resolve, store, &rules, tell, p, why, size)))
        return p;
    free(p);
    return NULL;
}

void policies_stop(struct policies *p)
{
    keeper_stop(p->keeper);
}

void policies_free(struct policies **p)
{
    if (*p)
        keeper_free(&(*p)->keeper);
    free(*p);
    *p = NULL;
}

void policies_forget(struct policies *p, const char *domain)
{
    keeper_forget(p->keeper, domain);
}

static void on_known(void *arg, const struct kept *kept, enum sts_trouble trouble)
{
    struct pending *asked = arg;
    struct answer a;

    sts_answer(&a, asked->number, kept, trouble);
    asked->fn(asked->arg, &a);
    free(asked);
}

void policies_ask(struct policies *p, const struct question *q, lookup_fn *fn, void *arg)
{
    struct pending *asked = malloc(sizeof *asked);

    if (!asked) {
        struct answer none;

        answer_failed(&none, q);
        fn(arg, &none);
        return;
    }
    *asked = (struct pending){.number = q->number, .fn = fn, .arg = arg};
    keeper_ask(p->keeper, q->name, on_known, asked);
}
