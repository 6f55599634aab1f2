/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/sender.h"

#include <stdio.h>
#include <string.h>

#include "rule/certificate.h"
#include "rule/pattern.h"

const struct option sender_options[] = {SENDER_OPTIONS(OPTION_ROW, sender) OPTION_END};
OPTIONS_FIT(sender_options);

static bool wants_certificate(const struct sender *s)
{
    return s->certificate_names.count > 0 || s->certificate_fingerprints.count > 0;
}

static bool agrees(const void *merged, char *why, size_t size)
{
    const struct sender *s = merged;
    const char *mistake = fingerprints_mistake(&s->certificate_fingerprints);
    int n =
        snprintf(why, size, "%s:%u: sender-domain %s: ", s->head.file, s->head.line, s->head.title);
    size_t len = n < 0 || (size_t)n >= size ? size : (size_t)n;

    if (mistake)
        snprintf(why + len, size - len,
                 "certificate-fingerprints: '%s' is no SHA-256 in hex; write 64 digits, with or "
                 "without colons",
                 mistake);
    else if (!s->require_tls && wants_certificate(s))
        snprintf(why + len, size - len,
                 "require-tls: a certificate comes over TLS only; say yes, or name none, with what "
                 "more general sections say");
    else
        return true;
    return false;
}

static const struct pattern_kind kind = {.name = "sender-domain",
                                         .options = sender_options,
                                         .size = sizeof(struct sender),
                                         .agrees = agrees};

struct senders *senders_new(const struct sender *sections, size_t count,
                            const struct macros *macros, char *why, size_t size)
{
    return (struct senders *)patterns_new(&kind, sections, count, macros, why, size);
}

void senders_free(struct senders **s)
{
    struct patterns *p = (struct patterns *)*s;

    patterns_free(&p);
    *s = NULL;
}

bool senders_find(const struct senders *s, struct span domain, struct sender *out)
{
    const struct sender *found = patterns_find((const struct patterns *)s, domain);

    *out = *found;
    return found->head.line > 0; /* the default stands in no file */
}

bool senders_enforce(const struct senders *s, bool authenticated)
{
    const struct patterns *p = (const struct patterns *)s;

    for (size_t i = 0; i < patterns_count(p); i++) {
        const struct sender *one = patterns_at(p, i);

        if (one->head.line > 0 && !one->report_only && one->require_tls &&
            !(authenticated && one->allow_authenticated))
            return true;
    }
    return false;
}

static bool has_listed_name(const struct texts *list, struct span names)
{
    for (size_t i = 0; i < list->count; i++)
        if (certificate_has_name(names, span_of(list->at[i])))
            return true;
    return false;
}

static bool has_name(const struct sender *rule, const struct sender_proof *proof)
{
    const struct texts *list = &rule->certificate_names;

    return (proof->compared && list->count > 0) || has_listed_name(list, proof->names);
}

static bool lacks_only_a_ca(const char *verify)
{
    return !strcmp(verify, "self-signed") || !strcmp(verify, "untrusted") ||
           !strcmp(verify, "not-listed");
}

enum sender_lacks sender_lacks(const struct sender *rule, const struct sender_proof *proof)
{
    bool verified;

    if (!rule->require_tls || (proof->authenticated && rule->allow_authenticated))
        return SENDER_LACKS_NOTHING;
    if (!proof->tls)
        return SENDER_LACKS_TLS;
    if (!wants_certificate(rule))
        return SENDER_LACKS_NOTHING;
    verified = !strcmp(proof->tls->verify, "ok");
    if (verified && has_name(rule, proof))
        return SENDER_LACKS_NOTHING;
    if ((verified || lacks_only_a_ca(proof->tls->verify)) &&
        fingerprints_have(&rule->certificate_fingerprints, proof->tls))
        return SENDER_LACKS_NOTHING;
    return verified ? SENDER_LACKS_THE_RIGHT_ONE : SENDER_LACKS_CERTIFICATE;
}
