/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/domain.h"

#include <stdio.h>

#include "rule/pattern.h"

const struct option domain_options[] = {DOMAIN_OPTIONS(OPTION_ROW, domain) OPTION_END};
OPTIONS_FIT(domain_options);

/* What demands TLS, by whose name it stands in the file; NULL: nothing of the administrator's. */
static const char *demands_tls(const struct domain *m)
{
    if (m->smtp_tls_verify != DOMAIN_VERIFY_NONE)
        return "smtp-tls-verify";
    if (m->require_starttls)
        return "require-starttls";
    if (m->use_dane == DOMAIN_DANE_REQUIRED)
        return "use-dane = required";
    return m->starttls_memory > 0 ? "starttls-memory" : NULL;
}

/* Would it never log in, since there is never TLS? */
static bool may_log_in(const struct domain *m, char *why, size_t size)
{
    if (!*m->auth_username || m->use_starttls || m->smtp_implicit_tls ||
        m->use_unencrypted_plain_auth)
        return true;
    snprintf(
        why, size,
        "%s:%u: domain %s: auth-username needs TLS, and use-starttls is no; set use-starttls = "
        "yes or, on a wire that nobody else reads, use-unencrypted-plain-auth = yes",
        m->head.file, m->head.line, m->head.title);
    return false;
}

/* Does the rule, merged, forbid what it demands, or demand what nothing can have? */
static bool agrees(const void *merged, char *why, size_t size)
{
    const struct domain *m = merged;
    const char *demand = demands_tls(m);

    if (!m->use_starttls && !m->smtp_implicit_tls && demand) {
        snprintf(why, size,
                 "%s:%u: domain %s: use-starttls is no and %s demands TLS, with what more general "
                 "sections say; set use-starttls = yes here or drop the demand",
                 m->head.file, m->head.line, m->head.title, demand);
        return false;
    }
    if (m->smtp_tls_verify == DOMAIN_VERIFY_FINGERPRINT && m->smtp_tls_fingerprints.count == 0) {
        snprintf(why, size,
                 "%s:%u: domain %s: smtp-tls-verify is fingerprint and there is nothing to compare "
                 "with; add smtp-tls-fingerprints = {SHA-256, ...} here",
                 m->head.file, m->head.line, m->head.title);
        return false;
    }
    return may_log_in(m, why, size);
}

static unsigned named(const struct texts *report_only)
{
    enum demand_report one;
    unsigned all = 0;

    for (size_t i = 0; i < report_only->count; i++)
        if (demand_report_read(span_of(report_only->at[i]), &one))
            all |= 1U << one;
    return all;
}

/* Who sets a rule anew means it, unless it says report-only, too. */
static void over(void *merged, const void *section)
{
    static const size_t offsets[] = {
#define REPORT(option, name) offsetof(struct domain, option),
        DEMAND_REPORT_RULES(REPORT)
#undef REPORT
    };
    const struct domain *s = section;
    struct domain *m = merged;

    if (option_is_set(domain_options, &s->head, offsetof(struct domain, report_only))) {
        m->reports = named(&s->report_only);
        return;
    }
    for (unsigned i = 0; i < DEMAND_REPORT_COUNT; i++)
        if (option_is_set(domain_options, &s->head, offsets[i]))
            m->reports &= ~(1U << i);
}

uint16_t domain_port(const struct domain *rule)
{
    bool told =
        option_is_set(domain_options, &rule->head, offsetof(struct domain, default_smtp_port));

    return rule->smtp_implicit_tls && !told ? 465 : (uint16_t)rule->default_smtp_port;
}

static const struct pattern_kind kind = {.name = "domain",
                                         .options = domain_options,
                                         .size = sizeof(struct domain),
                                         .over = over,
                                         .agrees = agrees};

struct domains *domains_new(const struct domain *sections, size_t count,
                            const struct macros *macros, char *why, size_t size)
{
    return (struct domains *)patterns_new(&kind, sections, count, macros, why, size);
}

bool domain_is_right(const struct domain *section, const struct macros *macros, char *why,
                     size_t size)
{
    return patterns_agree(&kind, section, macros, why, size);
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

size_t domains_trail(const struct domain *sections, size_t count, const struct macros *macros,
                     struct span name, const struct domain **out, size_t most)
{
    return patterns_trail(&kind, sections, count, macros, name, (const void **)out, most);
}

size_t domains_count(const struct domains *d)
{
    return patterns_count(patterns(d));
}

const struct domain *domains_at(const struct domains *d, size_t at)
{
    return patterns_at(patterns(d), at);
}

bool domains_heed_dane(const struct domains *d)
{
    const struct domain *others = domains_find(d, SPAN("any.invalid"));

    for (size_t i = 0; i < domains_count(d); i++) {
        const struct domain *rule = domains_at(d, i);

        if (rule->use_dane != DOMAIN_DANE_OFF &&
            (rule == others || strcmp(rule->head.title, "default") != 0))
            return true;
    }
    return false;
}
