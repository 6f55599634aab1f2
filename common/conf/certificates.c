/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/certificates.h"

static bool asks(const struct source *rule)
{
    return rule->verify_client_certificate != SOURCE_VERIFY_NONE;
}

static bool has_list(const struct source *rule)
{
    return rule->client_certificate_fingerprints.count > 0;
}

/* Can this rule ever be met with TLS there? */
static bool meets_tls(const struct smtp_listener *l, const struct source *rule)
{
    return l->tls_certificate.count > 0 && (l->tls || rule->allow_starttls);
}

/* The first rule of a listener that cannot hold there. */
static void check_listener(const struct settings *s, const struct smtp_listener *l,
                           struct problems *problems)
{
    struct source rule;

    for (size_t i = 0; i < sources_count(s->sources); i++) {
        sources_at(s->sources, i, l->source, &rule);
        if (!asks(&rule) || has_list(&rule) || *l->tls_ca_file || !meets_tls(l, &rule))
            continue;
        problem_add(problems, rule.head.file, rule.head.line, "verify-client-certificate",
                    "source %s: smtp-listener %s has no CAs to check certificates by; give "
                    "smtp-server-tls-ca-file, tls-ca-file there, or "
                    "client-certificate-fingerprints",
                    rule.head.title, l->head.title);
        return;
    }
}

static void check_lists(const struct settings *s, const struct smtp_listener *l,
                        struct problems *problems)
{
    struct source rule;

    if (*l->tls_crl_file && !*l->tls_ca_file)
        problem_add(problems, l->head.file, l->head.line, "tls-crl-file",
                    "smtp-listener %s has no CAs that these revocation lists could be of; give "
                    "smtp-server-tls-ca-file or tls-ca-file",
                    l->head.title);
    for (size_t i = 0; i < sources_count(s->sources); i++) {
        sources_at(s->sources, i, l->source, &rule);
        if (asks(&rule) || !has_list(&rule))
            continue;
        problem_add(problems, rule.head.file, rule.head.line, "client-certificate-fingerprints",
                    "source %s asks no client for a certificate; say verify-client-certificate = "
                    "required, or optional",
                    rule.head.title);
        return;
    }
}

static bool anybody_is_asked(const struct settings *s)
{
    for (size_t i = 0; i < s->source_section_count; i++)
        if (asks(&s->source_sections[i]))
            return true;
    return false;
}

/* Without a listener of ours the mail server asks. */
static void check_senders(const struct settings *s, struct problems *problems)
{
    if (s->smtp_listener_count == 0 || anybody_is_asked(s))
        return;
    for (size_t i = 0; i < s->sender_section_count; i++) {
        const struct sender *one = &s->sender_sections[i];
        bool names = one->certificate_names.count > 0;

        if (names || one->certificate_fingerprints.count > 0)
            problem_add(problems, one->head.file, one->head.line,
                        names ? "certificate-names" : "certificate-fingerprints",
                        "sender-domain %s: no client is asked for a certificate; say "
                        "verify-client-certificate = optional in a source section",
                        one->head.title);
    }
}

void check_certificates(const struct settings *s, struct problems *problems)
{
    for (size_t i = 0; i < s->smtp_listener_count; i++) {
        check_listener(s, &s->smtp_listeners[i], problems);
        check_lists(s, &s->smtp_listeners[i], problems);
    }
    check_senders(s, problems);
}
