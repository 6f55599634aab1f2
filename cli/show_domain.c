/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/show.h"

#include <stdio.h>

#include "cli/command.h"
#include "conf/settings.h"
#include "rule/hosts.h"
#include "smtp/idna.h"

enum { TRAIL = 64 };

/* The sections that matched, general before specific. */
struct trail {
    const struct domain *at[TRAIL];
    size_t count;
};

/* NULL: it has its default. */
static const struct option_head *decider(const struct trail *t, size_t row)
{
    for (size_t i = t->count; i > 0; i--)
        if (t->at[i - 1]->head.set >> row & 1)
            return &t->at[i - 1]->head;
    return NULL;
}

void show_section(const struct settings *s, const struct domain *d, char to[SHOW_SECTION])
{
    const struct option_head *h = &d->head;
    const struct macro *m = macros_first(s->macros, span_of(h->title));
    int len = snprintf(to, SHOW_SECTION, "domain %s, %s:%u", h->title, h->file, h->line);

    if (m && len >= 0 && len < SHOW_SECTION)
        snprintf(to + len, SHOW_SECTION - (size_t)len, ", by domain-macro %s, %s:%u", m->head.title,
                 m->head.file, m->head.line);
}

static void print_trail(const struct settings *s, const struct trail *t)
{
    if (!t->count)
        printf("# no domain section matches; all is default\n");
    for (size_t i = 0; i < t->count; i++) {
        char text[SHOW_SECTION];

        show_section(s, t->at[i], text);
        printf("# %s %s\n", i ? "then" : "matches", text);
    }
}

/* Whether it is rolled up is known to DNS only. */
static void print_rollup(const struct settings *s, const char *name, const struct domain *rule)
{
    bool is_one = false;
    size_t last = s->rollups.count;

    for (size_t i = 0; i < s->rollups.count; i++) {
        const struct rollup_mx *mx = &s->rollups.at[i];

        if (strcasecmp(mx->name, name) != 0)
            continue;
        is_one = true;
        printf("# rollup of mx %s%s, %s:%u\n", mx->head.title, mx->by_ip ? " by address" : "",
               mx->head.file, mx->head.line);
    }
    if (is_one || !last || rule->disable_mx_rollup || *rule->smtp_hosts)
        return;
    printf("# if all its servers of the lowest preference are in mx-rollup-list (%s:%u), the rule "
           "is that of their NAME.rollup, unless it would demand less of TLS\n",
           s->rollups.at[0].head.file, s->rollups.at[0].head.line);
}

static bool is_domain(struct span text)
{
    char ascii[IDNA_NAME];
    struct addr a;

    if (text.len > 1 && text.at[text.len - 1] == '.')
        text.len--;
    return literal_read(text, &a) || idna_ascii(text, ascii);
}

int show_domain(const struct settings *s, int words, char **word)
{
    const struct domain *rule;
    struct trail trail;

    if (words != 1)
        return command_wrong("show", "say domain DOMAIN");
    if (!is_domain(span_of(word[0])))
        return command_wrong("show", "'%s' is no domain; write example.com or [192.0.2.1]",
                             word[0]);
    rule = domains_find(s->domains, span_of(word[0]));
    trail.count = domains_trail(s->domain_sections, s->domain_section_count, s->macros,
                                span_of(word[0]), trail.at, TRAIL);
    print_trail(s, &trail);
    print_rollup(s, word[0], rule);
    for (size_t i = 0; domain_options[i].name; i++)
        show_row("domain", domain_options, i, rule, decider(&trail, i));
    return CLI_RIGHT;
}
