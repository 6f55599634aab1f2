/* SPDX-License-Identifier: Apache-2.0 */
#include "rules.h"

#include <limits.h>

#include "base/text.h"
#include "smtp/path.h"
#include "trace.h"

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

/* Whom a mail server offers AUTH may depend on who asks. */
bool rules_show_known(const struct source *rule, const struct standing *at, bool late)
{
    return rules_offer_starttls(rule, at) || (late && rules_auth(rule, at) == EHLO_AUTH_NONE);
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
    if (at->authenticated || at->in_mail) /* RFC 4954, 4 */
        return at->in_mail ? SPAN("503 5.5.1 Not inside a mail transaction\r\n")
                           : SPAN("503 5.5.1 Already authenticated\r\n");
    return SPAN("");
}

static bool is_number(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.at[i] < '0' || s.at[i] > '9')
            return false;
    return s.len > 0;
}

bool rules_exceed(struct span params, unsigned long most)
{
    struct span size;
    unsigned long octets = 0;

    if (most == 0 || !param_find(params, "SIZE", &size))
        return false;
    /* A number that does not fit is above every limit; what is none is for the backend. */
    return text_number(size, ULONG_MAX, &octets) ? octets > most : is_number(size);
}

unsigned long rules_size(const struct source *rule, unsigned long theirs)
{
    unsigned long ours = rule->max_message_size;
    unsigned long left = rule->add_received_header && theirs > TRACE_MAX ? theirs - TRACE_MAX : 0;

    return left > 0 && (ours == 0 || left < ours) ? left : ours;
}

bool rules_demand_tls(const struct source *rule)
{
    return rule->require_starttls && !(rule->reports & 1U << REPORT_require_starttls);
}

static struct span refuse_mail(const struct source *rule, const struct standing *at,
                               struct span arg, struct reported *noted)
{
    unsigned long most = rule->max_message_size;
    struct path path;

    if (rule->require_auth && !at->authenticated &&
        source_objects(rule, REPORT_require_auth, noted))
        return SPAN("530 5.7.0 Authentication required\r\n");
    if (most > 0 && path_read(arg, "FROM:", &path) && rules_exceed(path.params, most))
        return SPAN("552 5.3.4 Message size exceeds the limit\r\n");
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
        return refuse_mail(rule, at, q->arg, noted);
    default:
        return SPAN("");
    }
}

/* What the parameters belong to. */
static const struct param {
    enum verb verb;
    const char *name;
    enum ehlo_keyword keyword;
} known[] = {
    {VERB_MAIL, "SIZE", EHLO_SIZE},         {VERB_MAIL, "BODY", EHLO_8BITMIME},
    {VERB_MAIL, "SMTPUTF8", EHLO_SMTPUTF8}, {VERB_MAIL, "RET", EHLO_DSN},
    {VERB_MAIL, "ENVID", EHLO_DSN},         {VERB_MAIL, "AUTH", EHLO_AUTH},
    {VERB_RCPT, "NOTIFY", EHLO_DSN},        {VERB_RCPT, "ORCPT", EHLO_DSN},
};

static const struct param *find_param(enum verb verb, struct span name)
{
    for (size_t k = 0; k < COUNT_OF(known); k++)
        if (known[k].verb == verb && span_is_nocase(name, known[k].name))
            return &known[k];
    return NULL;
}

/* BODY=BINARYMIME is an extension of its own (RFC 3030, 3), and none that passes. */
static bool is_known_value(const struct param *p, struct span value)
{
    return p->keyword != EHLO_8BITMIME || span_is_nocase(value, "7BIT") ||
           span_is_nocase(value, "8BITMIME");
}

struct span rules_refuse_params(enum verb verb, struct span params, unsigned extensions)
{
    struct span name, value;
    int got;

    while ((got = param_next(&params, &name, &value)) > 0) {
        const struct param *p = find_param(verb, name);

        if (!p || !(extensions & 1U << p->keyword) || !is_known_value(p, value))
            return SPAN("555 5.5.4 A parameter is not known here\r\n");
    }
    return got < 0 ? SPAN("501 5.5.4 A parameter is malformed\r\n") : SPAN("");
}

unsigned rules_used(enum verb verb, struct span params)
{
    struct span name, value;
    unsigned bits = 0;

    if (verb == VERB_AUTH || verb == VERB_ETRN)
        return 1U << (verb == VERB_AUTH ? EHLO_AUTH : EHLO_ETRN);
    if (verb == VERB_BDAT || verb == VERB_LAST)
        return 1U << EHLO_CHUNKING;
    while (param_next(&params, &name, &value) > 0) {
        const struct param *p = find_param(verb, name);

        bits |= p ? 1U << p->keyword : 0;
    }
    return bits;
}
