/* SPDX-License-Identifier: Apache-2.0 */
#include "way/known.h"

#include <stdlib.h>

#include "base/text.h"

static bool is_of(const struct known *k, const struct candidate *c)
{
    return k->port == c->at.port && strcmp(k->name, c->name) == 0;
}

bool known_counts(const struct domain *rule, const struct candidate *c, bool validates)
{
    return rule->use_dane != DOMAIN_DANE_OFF && validates && c->secure && c->name[0];
}

static void take(struct known *k, const struct answer *a)
{
    k->failed = a->status != ANSWER_OK || !(k->tlsa = malloc(answer_size(a)));
    if (k->tlsa)
        memcpy(k->tlsa, a, answer_size(a));
}

static void on_answer(struct ask *asked, const struct answer *a)
{
    struct known *k = asked->arg;

    take(k, a);
    k->fn(k->arg);
}

bool known_learn(struct known *k, struct line *line, const struct domain *rule, bool validates,
                 const struct candidate *c, watch_fn *fn, void *arg)
{
    const struct answer *recent;

    if (!known_counts(rule, c, validates) || is_of(k, c))
        return true;
    known_clear(k);
    k->fn = fn;
    k->arg = arg;
    k->port = c->at.port;
    text_copy(k->name, sizeof k->name, span_of(c->name));
    if ((recent = line_recall(line, QUESTION_TLSA, k->name, k->port))) {
        take(k, recent);
        return true;
    }
    ask_about(&k->ask, line, QUESTION_TLSA, c->name, c->at.port, on_answer, k);
    return false;
}

void known_give_up(struct known *k)
{
    ask_cancel(&k->ask);
    k->failed = true;
}

void known_clear(struct known *k)
{
    ask_cancel(&k->ask);
    free(k->tlsa);
    *k = (struct known){.port = 0};
}

static enum tlsa_state tlsa_of(const struct known *k, const struct candidate *c)
{
    if (!is_of(k, c))
        return TLSA_NONE;
    return k->failed ? TLSA_FAILED : (enum tlsa_state)k->tlsa->tlsa.state;
}

static bool lists(const struct answer *policy, const struct candidate *c)
{
    for (size_t i = 0; c->name[0] && i < policy->count; i++)
        if (sts_covers(policy->sts.mx[i], c->name))
            return true;
    return false;
}

void known_tell(const struct known *k, const struct find *f, const struct candidate *c,
                struct candidate_facts *out)
{
    const struct answer *policy = find_policy(f, c);

    *out = (struct candidate_facts){.seen = f->seen, .tlsa = tlsa_of(k, c)};
    if (!policy)
        return;
    out->sts = (enum sts_mode)policy->sts.mode;
    out->sts_lists = lists(policy, c);
}

struct dane known_dane(const struct known *k, const struct candidate *c)
{
    bool by_mx = c->by && c->by->kind == HOST_LOOKUP_MX;

    if (!k->tlsa)
        return (struct dane){.base = ""};
    return (struct dane){.at = k->tlsa->tlsa.at,
                         .count = k->tlsa->count,
                         .base = k->tlsa->tlsa.base,
                         .domain = by_mx ? c->by->name : ""};
}
