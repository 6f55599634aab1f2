/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/show.h"

#include <stdio.h>

#include "cli/command.h"
#include "conf/settings.h"

static const struct smtp_listener *find_listener(const struct settings *s, const char *title)
{
    for (size_t i = 0; i < s->smtp_listener_count; i++)
        if (!strcasecmp(s->smtp_listeners[i].head.title, title))
            return &s->smtp_listeners[i];
    return NULL;
}

/* Whose rules are asked for. */
struct asked {
    const struct settings *settings;
    struct addr client;
    const char *name; /* of the listener's section; "": none */
    bool logged_in;
};

static const struct source *decider(const struct asked *a, size_t row)
{
    const struct settings *s = a->settings;

    return source_decider(s->source_sections, s->source_section_count, &a->client, a->name,
                          a->logged_in, row);
}

static void print_row(const struct source *from, const struct source *rule, size_t row)
{
    show_row("source", source_options, row, rule, from ? &from->head : NULL);
}

static void print_rules(const struct asked *a)
{
    struct source rule;

    sources_find(a->settings->sources, &a->client, a->name, &rule);
    for (size_t i = 0; source_options[i].name; i++)
        print_row(decider(a, i), &rule, i);
}

/* What {auth} says otherwise, if there is one. */
static void print_logged_in(struct asked a)
{
    struct source rule;

    a.logged_in = true;
    sources_find_auth(a.settings->sources, &a.client, a.name, &rule);
    for (size_t i = 0; source_options[i].name; i++) {
        const struct source *from = decider(&a, i);

        if (!from || !source_is_auth(from))
            continue;
        printf("once logged in: ");
        print_row(from, &rule, i);
    }
}

int show_source(const struct settings *s, int words, char **word)
{
    struct asked a = {.settings = s};
    const struct smtp_listener *l = words > 1 ? find_listener(s, word[1]) : NULL;

    if (!words || words > 2)
        return command_wrong("show", "say source ADDRESS, and a listener if you like");
    if (!addr_read(span_of(word[0]), &a.client))
        return command_wrong("show", "'%s' is no address; write 192.0.2.1 or 2001:db8::1", word[0]);
    if (words > 1 && !l)
        return command_wrong("show", "there is no smtp-listener %s", word[1]);
    a.name = l ? l->source : "";
    print_rules(&a);
    print_logged_in(a);
    return CLI_RIGHT;
}
