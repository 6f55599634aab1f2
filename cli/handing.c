/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/checks.h"

#include <ctype.h>
#include <stdio.h>

#include "base/text.h"
#include "cli/postconf.h"

/* What was asked, and of whom it speaks. */
struct handing {
    const struct settings *settings;
    const struct relay_listener *listener;
    struct span said;
    bool lmtp;
    struct findings *findings;
};

static const char *const names[] = {
    "-x",
    "transport_maps",
    "default_transport",
    "relayhost",
    "mydestination",
    "relay_domains",
    "virtual_alias_domains",
    "virtual_mailbox_domains",
    "enable_long_queue_ids",
    "default_destination_recipient_limit",
    "smtp_tls_security_level",
    "smtp_send_xforward_command",
    "smtp_rcpt_timeout",
    "smtp_data_done_timeout",
    "smtp_destination_recipient_limit",
    "lmtp_tls_security_level",
    "lmtp_send_xforward_command",
    "lmtp_rcpt_timeout",
    "lmtp_data_done_timeout",
    NULL,
};

/* Is it there, and not as the front of a longer number? */
static bool names_it(struct span value, const char *text)
{
    size_t len = strlen(text);
    const char *end = value.at + value.len, *at = value.at;

    while (len && (at = memmem(at, (size_t)(end - at), text, len))) {
        at += len;
        if (at == end || !isdigit((unsigned char)*at))
            return true;
    }
    return false;
}

/* Does this Postfix hand over here? */
static bool hands_over(struct handing *h)
{
    const struct relay_listener *l = h->listener;
    struct span by = postconf_value(h->said, "default_transport");
    char port[16];

    if (l->hand_over == HAND_OVER_TRANSPORT_MAP)
        return names_it(postconf_value(h->said, "transport_maps"), l->map);
    if (l->hand_over != HAND_OVER_SMARTHOST)
        return false;
    h->lmtp = span_starts_nocase(by, "lmtp:");
    snprintf(port, sizeof port, ":%u", l->at.port);
    return names_it(by, l->path ? l->path : port) ||
           (!l->path && names_it(postconf_value(h->said, "relayhost"), port));
}

/* What its smtp or lmtp client has; `name` is behind the prefix, and `full` all of it. */
static struct span of_client(const struct handing *h, const char *name, char full[64])
{
    snprintf(full, 64, "%s_%s", h->lmtp ? "lmtp" : "smtp", name);
    return postconf_value(h->said, full);
}

static void check_demand(const struct handing *h, const char *where)
{
    static const char *const demands[] = {"encrypt", "dane-only", "fingerprint", "verify",
                                          "secure"};
    char name[64];
    struct span level = of_client(h, "tls_security_level", name);

    for (size_t i = 0; i < COUNT_OF(demands); i++)
        if (span_is(level, demands[i]))
            finding_add(h->findings, FINDING_DEMANDS_TLS, where, "%s = %s", name, demands[i]);
}

static void check_ids(const struct handing *h, const char *where)
{
    bool counts = settings_has_accounts(h->settings);
    char name[64];

    if (span_is(of_client(h, "send_xforward_command", name), "no") &&
        (counts || h->settings->global.duplicate_memory > 0))
        finding_add(h->findings, FINDING_NO_QUEUE_ID, where, "%s = no", name);
    if (counts && span_is(postconf_value(h->said, "enable_long_queue_ids"), "no"))
        finding_add(h->findings, FINDING_SHORT_IDS, where, "enable_long_queue_ids = no");
}

static void check_recipients(const struct handing *h, const char *where)
{
    struct span limit = postconf_value(h->said, "smtp_destination_recipient_limit");

    if (h->listener->hand_over != HAND_OVER_SMARTHOST || h->lmtp || span_is(limit, "1"))
        return;
    finding_add(h->findings, FINDING_MANY_AT_ONCE, where, "smtp_destination_recipient_limit = %.*s",
                (int)limit.len, limit.at);
}

/* The longest of all rules against its patience. */
static void check_times(const struct handing *h, const char *where)
{
    const struct domains *d = h->settings->domains;
    unsigned long route = 0, dot = 0, rcpt, done;
    char name[64], last[64];

    for (size_t i = 0; i < domains_count(d); i++) {
        const struct domain *rule = domains_at(d, i);

        route = rule->route_deadline > route ? rule->route_deadline : route;
        dot = rule->smtp_data_termination_timeout > dot ? rule->smtp_data_termination_timeout : dot;
    }
    (void)of_client(h, "rcpt_timeout", name);
    (void)of_client(h, "data_done_timeout", last);
    rcpt = postconf_seconds(h->said, name);
    done = postconf_seconds(h->said, last);
    if (rcpt && rcpt <= route)
        finding_add(h->findings, FINDING_GIVES_UP_FIRST, where, "%s = %lus, route-deadline = %lus",
                    name, rcpt, route);
    if (done && done <= dot)
        finding_add(h->findings, FINDING_SENDS_AGAIN, where,
                    "%s = %lus, smtp-data-termination-timeout = %lus", last, done, dot);
}

static bool is_listed(const struct texts *list, struct span domain)
{
    for (size_t i = 0; i < list->count; i++)
        if (span_is_nocase(domain, list->at[i]))
            return true;
    return false;
}

/* A table or a file is not looked into. */
static bool is_domain(struct span word)
{
    return word.len && !memchr(word.at, ':', word.len) && !memchr(word.at, '/', word.len) &&
           isalnum((unsigned char)word.at[0]);
}

/* The next of a list, off its front; empty at its end. */
static struct span next_word(struct span *list)
{
    struct span word;

    while (list->len && strchr(", \t", list->at[0]))
        *list = span_after(*list, 1);
    word = (struct span){list->at, 0};
    while (word.len < list->len && !strchr(", \t", word.at[word.len]))
        word.len++;
    *list = span_after(*list, word.len);
    return word;
}

/* Adds it to `words`, unless it is there. */
static void add_once(char *words, size_t size, struct span word)
{
    struct span seen = span_of(words), one;
    size_t used = seen.len;

    while ((one = next_word(&seen)).len)
        if (span_same(one, word))
            return;
    snprintf(words + used, size - used, "%s%.*s", used ? " " : "", (int)word.len, word.at);
}

static void check_local(const struct handing *h, const char *where)
{
    static const char *const lists[] = {"mydestination", "relay_domains", "virtual_alias_domains",
                                        "virtual_mailbox_domains"};
    char missing[512] = "";

    for (size_t i = 0; i < COUNT_OF(lists); i++) {
        struct span list = postconf_value(h->said, lists[i]), word;

        while ((word = next_word(&list)).len)
            if (is_domain(word) && !is_listed(&h->listener->local_domains, word))
                add_once(missing, sizeof missing, word);
    }
    if (*missing)
        finding_add(h->findings, FINDING_NOT_LOCAL, where, "%s", missing);
}

static void check_one(const struct handing *h)
{
    char where[160];

    snprintf(where, sizeof where, "Postfix, to relay-listener %.100s", h->listener->head.title);
    check_demand(h, where);
    check_ids(h, where);
    check_recipients(h, where);
    check_times(h, where);
    if (h->listener->hand_over == HAND_OVER_TRANSPORT_MAP)
        check_local(h, where);
}

void handing_check(const struct settings *s, struct findings *f)
{
    static char said[POSTCONF_SAID];
    struct handing h = {.settings = s, .findings = f};

    *said = '\0';
    if (!s->relay_listener_count || !postconf_ask(names, said))
        return;
    h.said = span_of(said);
    for (size_t i = 0; i < s->relay_listener_count; i++) {
        h.listener = &s->relay_listeners[i];
        h.lmtp = false;
        if (hands_over(&h))
            check_one(&h);
    }
}
