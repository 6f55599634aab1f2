/* SPDX-License-Identifier: Apache-2.0 */
#include "milter/judge.h"

#include "base/text.h"
#include "rule/certificate.h"
#include "tell/log.h"
#include "tell/reports.h"

void judge_begin(struct session *s, const struct settings *settings, const char *name)
{
    if (sources_has_name(settings->sources, name))
        text_copy(s->rule_name, sizeof s->rule_name, span_of(name));
    sources_find(settings->sources, &s->client, s->rule_name, &s->rule);
}

/* A login changes the rule, as it does at the proxy. */
static void find_rule(struct session *s, const struct settings *settings, bool logged_in)
{
    if (logged_in)
        sources_find_auth(settings->sources, &s->client, s->rule_name, &s->rule);
    else
        sources_find(settings->sources, &s->client, s->rule_name, &s->rule);
}

/* The proxy has had its list in hand. A mail server tells no fingerprint, so that none is in one:
 * what cannot be judged does not pass. */
static void compare_fingerprint(struct session *s)
{
    const char *word = s->by_proxy ? s->tls.verify : certificate_word(&s->rule, &s->tls, true);

    if (word != s->tls.verify)
        text_copy(s->tls.verify, sizeof s->tls.verify, span_of(word));
}

const struct refusal *judge_mail(struct session *s, const struct settings *settings,
                                 struct span from, const char **word)
{
    const struct asked asked = {.rule = &s->rule,
                                .senders = settings->senders,
                                .client = {.tls = s->secure ? &s->tls : NULL,
                                           .user = span_of(s->user),
                                           .mechanism = span_of(s->mechanism),
                                           .names = span_of(s->cert_name),
                                           .compared = s->by_proxy},
                                .from = from};
    unsigned before = s->reported.rules;
    const struct refusal *no;

    find_rule(s, settings, policy_has_logged_in(&asked.client));
    compare_fingerprint(s);
    no = policy_at_mail(&asked, word, &s->reported);
    reports_tell(s->id.text, &s->rule, s->reported.rules & ~before);
    return no;
}

static bool is_direct(const struct settings *settings)
{
    for (size_t i = 0; i < settings->milter_listener_count; i++)
        if (!settings->milter_listeners[i].behind_proxy)
            return true;
    return false;
}

static void warn(const char *kind, const struct option_head *section, const char *option)
{
    log_say(LOG_LIFE, "", "fingerprints-unknown", {kind, span_of(section->title)},
            {"file", span_of(section->file)}, {"line", log_number(section->line)},
            {"option", span_of(option)},
            {"why", SPAN("mail servers tell a milter none, so that it refuses; behind-proxy of "
                         "milter-listener, or certificate-names, would do")});
}

void judge_warn(const struct settings *settings)
{
    if (!is_direct(settings))
        return;
    for (size_t i = 0; i < settings->source_section_count; i++)
        if (settings->source_sections[i].client_certificate_fingerprints.count > 0)
            warn("source", &settings->source_sections[i].head, "client-certificate-fingerprints");
    for (size_t i = 0; i < settings->sender_section_count; i++)
        if (settings->sender_sections[i].certificate_fingerprints.count > 0 &&
            settings->sender_sections[i].certificate_names.count == 0)
            warn("sender-domain", &settings->sender_sections[i].head, "certificate-fingerprints");
}
