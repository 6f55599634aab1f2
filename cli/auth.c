/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/checks.h"

#include <stddef.h>

#include "behind/probing.h"

enum need { NEED_NOT, NEED_ALLOWED, NEED_REQUIRED };

static enum need need_of(const struct source *rule)
{
    if (!rule->smtp_service || !rule->allow_auth)
        return NEED_NOT;
    if (rule->require_auth)
        return NEED_REQUIRED;
    /* All may by default; only who wrote it down counts on it. */
    return option_is_set(source_options, &rule->head, offsetof(struct source, allow_auth))
               ? NEED_ALLOWED
               : NEED_NOT;
}

/* The most that clients in `from` need at this listener. */
static void add_need(const struct settings *s, const struct smtp_listener *l,
                     const struct addr *from, enum need *most, struct source *rule)
{
    struct source found;

    sources_find(s->sources, from, l->source, &found);
    if (need_of(&found) > *most) {
        *most = need_of(&found);
        *rule = found;
    }
}

/* Somebody counts on it who says what holds behind it. */
static void add_logged_in(const struct settings *s, enum need *most, struct source *rule)
{
    for (size_t i = 0; i < s->source_section_count && *most == NEED_NOT; i++) {
        if (!source_is_auth(&s->source_sections[i]))
            continue;
        *most = NEED_ALLOWED;
        *rule = s->source_sections[i];
    }
}

static enum need need_at(const struct settings *s, const struct backend *b, struct source *rule)
{
    static const struct addr anybody;
    enum need most = NEED_NOT;

    add_logged_in(s, &most, rule);
    for (size_t i = 0; i < s->smtp_listener_count; i++) {
        const struct smtp_listener *l = &s->smtp_listeners[i];

        if (settings_backend(s, l) != b)
            continue;
        add_need(s, l, &anybody, &most, rule);
        for (size_t k = 0; k < s->source_section_count; k++) {
            struct network n;
            struct addr from = {.port = 0};

            if (!network_read(span_of(s->source_sections[k].head.title), &n))
                continue;
            memcpy(from.ip, n.ip, sizeof from.ip);
            add_need(s, l, &from, &most, rule);
        }
    }
    return most;
}

void auth_check(const struct target *t, const struct probed *found)
{
    static const enum finding lacks[] = {
        [NEED_ALLOWED] = FINDING_NO_AUTH_TO_ALLOW,
        [NEED_REQUIRED] = FINDING_NO_AUTH,
    };
    struct source rule;
    enum need need = need_at(t->settings, t->backend, &rule);

    if (need == NEED_NOT || found->has_auth)
        return;
    finding_add(t->findings, found->has_starttls ? FINDING_TLS_ONLY_AUTH : lacks[need], t->where,
                "source %s, %s:%u", rule.head.title, rule.head.file, rule.head.line);
}
