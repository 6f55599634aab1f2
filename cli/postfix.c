/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/checks.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/postconf.h"
#include "cli/run.h"

enum { SAID = 65536, WORDS_MOST = 16 };

/* NULL: there is none. It heeds MAIL_CONFIG, where there are several Postfixes. */
static const char *find(void)
{
    static const char *const paths[] = {"/usr/sbin/postconf", "/usr/local/sbin/postconf"};

    for (size_t i = 0; i < COUNT_OF(paths); i++)
        if (access(paths[i], X_OK) == 0)
            return paths[i];
    return NULL;
}

/* Adds what it says behind what is there. */
static bool ask(char *said, const char *const *argv)
{
    size_t used = strlen(said);
    int status;

    return SAID - used > 1 && run_program(argv, said + used, SAID - used, &status) && status == 0;
}

static bool ask_all(const char *path, char *said)
{
    const char *const services[] = {path, "-M", NULL}, *const own[] = {path, "-xP", NULL};
    const char *names[WORDS_MOST] = {path, "-x"};

    for (size_t i = 0; postconf_names[i]; i++)
        names[i + 2] = postconf_names[i];
    *said = '\0';
    return ask(said, services) && ask(said, names) && ask(said, own);
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

    if (p->short_ids && t->settings->acct_file_count > 0)
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
    static char said[SAID];
    const char *path = find();
    struct postconf p;

    if (!path || !ask_all(path, said))
        return;
    postconf_read(&p, span_of(said), t->at.port);
    /* Else it speaks of another Postfix than the one that we spoke with. */
    if (p.has_service)
        compare(t, &p);
}
