/* SPDX-License-Identifier: Apache-2.0 */
#include "rules.h"

#include "smtp/path.h"

bool rules_offer_starttls(const struct source *rule, const struct standing *at)
{
    return rule->allow_starttls && at->has_tls && !at->secured;
}

enum ehlo_auth rules_auth(const struct source *rule, const struct standing *at)
{
    if (!rule->allow_auth || (!at->secured && rule->require_starttls_before_auth))
        return EHLO_AUTH_NONE;
    if (!at->secured && !rule->allow_unencrypted_plain_auth)
        return EHLO_AUTH_GUARDED;
    return EHLO_AUTH_ALL;
}

static struct span refuse_starttls(const struct source *rule, const struct standing *at)
{
    if (!rule->allow_starttls)
        return SPAN("502 5.5.1 STARTTLS is not offered\r\n");
    if (!at->has_tls)
        return SPAN("454 4.7.0 TLS is not available\r\n");
    if (at->in_mail)
        return SPAN("503 5.5.1 Not inside a mail transaction\r\n");
    return SPAN("");
}

static struct span refuse_auth(const struct source *rule, const struct standing *at,
                               struct span arg)
{
    if (!rule->allow_auth)
        return SPAN("503 5.5.1 AUTH is not offered\r\n");
    if (!at->secured && rule->require_starttls_before_auth)
        return SPAN("530 5.7.0 Must issue a STARTTLS command first\r\n");
    if (rules_auth(rule, at) == EHLO_AUTH_GUARDED && !auth_is_guarded(span_cut(&arg, ' ')))
        return SPAN("538 5.7.11 Encryption required for this mechanism\r\n");
    return SPAN("");
}

bool rules_demand_tls(const struct source *rule)
{
    return rule->require_starttls && !(rule->reports & 1U << REPORT_require_starttls);
}

static struct span refuse_mail(const struct source *rule, const struct standing *at,
                               struct reported *noted)
{
    if (rule->require_auth && !at->authenticated &&
        source_objects(rule, REPORT_require_auth, noted))
        return SPAN("530 5.7.0 Authentication required\r\n");
    return SPAN("");
}

struct span rules_refuse(const struct source *rule, const struct standing *at,
                         const struct request *q, struct reported *noted)
{
    if (rule->require_starttls && !at->secured && q->verb < VERB_COUNT &&
        !verb_has(q->verb, VERB_CLEAR) && source_objects(rule, REPORT_require_starttls, noted))
        return SPAN("530 5.7.0 Must issue a STARTTLS command first\r\n");
    switch (q->verb) {
    case VERB_STARTTLS:
        return refuse_starttls(rule, at);
    case VERB_AUTH:
        return refuse_auth(rule, at, q->arg);
    case VERB_MAIL:
        return refuse_mail(rule, at, noted);
    default:
        return SPAN("");
    }
}

unsigned rules_used(const struct request *q)
{
    static const struct {
        const char *name;
        enum ehlo_keyword keyword;
    } params[] = {
        {"SIZE", EHLO_SIZE}, {"BODY", EHLO_8BITMIME}, {"SMTPUTF8", EHLO_SMTPUTF8},
        {"RET", EHLO_DSN},   {"ENVID", EHLO_DSN},     {"NOTIFY", EHLO_DSN},
        {"ORCPT", EHLO_DSN}, {"AUTH", EHLO_AUTH},
    };
    struct span name, value;
    struct path path;
    unsigned bits = 0;

    if (q->verb == VERB_AUTH || q->verb == VERB_ETRN)
        return 1U << (q->verb == VERB_AUTH ? EHLO_AUTH : EHLO_ETRN);
    if ((q->verb != VERB_MAIL && q->verb != VERB_RCPT) ||
        !path_read(q->arg, q->verb == VERB_MAIL ? "FROM:" : "TO:", &path))
        return 0;
    while (param_next(&path.params, &name, &value) > 0)
        for (size_t k = 0; k < COUNT_OF(params); k++)
            if (span_is_nocase(name, params[k].name))
                bits |= 1U << params[k].keyword;
    return bits;
}
