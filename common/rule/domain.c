/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/domain.h"

#include <stdio.h>

#include "rule/pattern.h"

const struct option domain_options[] = {DOMAIN_OPTIONS(OPTION_ROW, domain) OPTION_END};
OPTIONS_FIT(domain_options);

/* Does the rule, merged, forbid what it demands? */
static bool agrees(const void *merged, char *why, size_t size)
{
    const struct domain *m = merged;
    bool verify = m->smtp_tls_verify != DOMAIN_VERIFY_NONE;

    if (m->use_starttls || (!m->require_starttls && !verify))
        return true;
    snprintf(why, size,
             "%s:%u: domain %s: use-starttls is no and %s demands TLS, with what more general "
             "sections say; set use-starttls = yes here or drop the demand",
             m->head.file, m->head.line, m->head.title,
             verify ? "smtp-tls-verify" : "require-starttls");
    return false;
}

static const struct pattern_kind kind = {"domain", domain_options, sizeof(struct domain), agrees};

struct domains *domains_new(const struct domain *sections, size_t count, char *why, size_t size)
{
    return (struct domains *)patterns_new(&kind, sections, count, why, size);
}

void domains_free(struct domains **d)
{
    struct patterns *p = (struct patterns *)*d;

    patterns_free(&p);
    *d = NULL;
}

static const struct patterns *patterns(const struct domains *d)
{
    return (const struct patterns *)d;
}

const struct domain *domains_find(const struct domains *d, struct span name)
{
    return patterns_find(patterns(d), name);
}

size_t domains_count(const struct domains *d)
{
    return patterns_count(patterns(d));
}

const struct domain *domains_at(const struct domains *d, size_t at)
{
    return patterns_at(patterns(d), at);
}
