/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/checks.h"
#include "cli/postconf.h"

static bool ask_all(char *said)
{
    const char *const services[] = {"-M", NULL}, *const own[] = {"-xP", NULL};
    const char *names[POSTCONF_WORDS] = {"-x"};

    for (size_t i = 0; postconf_names[i]; i++)
        names[i + 1] = postconf_names[i];
    *said = '\0';
    return postconf_ask(services, said) && postconf_ask(names, said) && postconf_ask(own, said);
}

/* The longest that clients may wait for their next command. */
static unsigned long patience(const struct settings *s)
{
    static const struct addr anybody;
    struct source rule;
    unsigned long most;

    sources_find(s->sources, &anybody, NULL, &rule);
    most = rule.smtp_command_timeout;
    for (size_t i = 0; i < s->source_section_count; i++)
        if (s->source_sections[i].smtp_command_timeout > most)
            most = s->source_sections[i].smtp_command_timeout;
    return most;
}

static void compare(const struct target *t, const struct postconf *p)
{
    unsigned long slowest =
        p->content_timeout > p->filter_timeout ? p->content_timeout : p->filter_timeout;
    unsigned long most = patience(t->settings);

    if (p->short_ids && settings_has_accounts(t->settings))
        finding_add(t->findings, FINDING_SHORT_IDS, t->where, "enable_long_queue_ids = no");
    if (p->smtpd_timeout && p->smtpd_timeout < most)
        finding_add(t->findings, FINDING_GIVES_UP, t->where,
                    "smtpd_timeout = %lus, smtp-command-timeout = %lus", p->smtpd_timeout, most);
    if (slowest > 2 * t->backend->reply_timeout) /* that is what a message has */
        finding_add(t->findings, FINDING_MAY_DOUBLE, t->where, "%s = %lus, reply-timeout = %lus",
                    slowest == p->content_timeout ? "milter_content_timeout"
                                                  : "smtpd_proxy_timeout",
                    slowest, t->backend->reply_timeout);
}

void postfix_check(const struct target *t)
{
    static char said[POSTCONF_SAID];
    struct postconf p;

    if (!ask_all(said))
        return;
    postconf_read(&p, span_of(said), t->at.port);
    /* Else it speaks of another Postfix than the one that we spoke with. */
    if (p.has_service)
        compare(t, &p);
}
