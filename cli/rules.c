/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/checks.h"

#include <stdio.h>

static bool holds(const struct source *rule, bool set, enum report report)
{
    return set && !(rule->reports & 1U << report);
}

/* The rule that this one cannot be kept without, where it is not there; NULL: clients can send. */
static const char *lacks(const struct source *rule, bool tls)
{
    bool secret = holds(rule, rule->require_starttls, REPORT_require_starttls) ||
                  holds(rule, rule->verify_client_certificate == SOURCE_VERIFY_REQUIRED,
                        REPORT_verify_client_certificate);
    bool login = holds(rule, rule->require_auth, REPORT_require_auth);

    if (!rule->smtp_service)
        return NULL;
    if (login && !rule->allow_auth)
        return "allow-auth";
    if (!tls && !rule->allow_starttls && (secret || (login && rule->require_starttls_before_auth)))
        return "allow-starttls";
    return NULL;
}

static bool check_rule(const struct settings *s, const struct smtp_listener *l, size_t at,
                       const char **last, struct findings *f)
{
    struct source rule;
    const char *missing;
    char where[128];

    sources_at(s->sources, at, l->source, &rule);
    missing = lacks(&rule, l->tls);
    if (!missing || (*last && !strcasecmp(*last, rule.head.title)))
        return missing;
    *last = rule.head.title;
    snprintf(where, sizeof where, "source %.100s", rule.head.title);
    finding_add(f, FINDING_LOCKED_OUT, where, "%s = no at smtp-listener %s", missing,
                l->head.title);
    return true;
}

void rules_check(const struct settings *s, struct findings *f)
{
    const char *last = NULL;

    for (size_t i = 0; i < sources_count(s->sources); i++)
        for (size_t k = 0; k < s->smtp_listener_count; k++)
            if (check_rule(s, &s->smtp_listeners[k], i, &last, f))
                break;
}
