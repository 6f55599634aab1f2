/* SPDX-License-Identifier: Apache-2.0 */
#include "slots.h"

/* What one client has of addresses, as the bytes that name it. */
struct name {
    char what;
    uint8_t ip[16];
    uint16_t port;
} __attribute__((packed));

static struct span span_of_name(const struct name *n)
{
    return (struct span){(const char *)n, sizeof *n};
}

static struct name client_name(const struct addr *client)
{
    struct name n = {.what = 'c'};

    memcpy(n.ip, client->ip, addr_is_v4(client) ? 16 : 8);
    return n;
}

static uint64_t total_key(const struct slots *s)
{
    return tally_key(s->tally, span_of_name(&(struct name){.what = 't'}));
}

static uint64_t listener_key(const struct slots *s, const struct smtp_listener *l)
{
    struct name n = {.what = 'l', .port = l->at.port};

    memcpy(n.ip, l->at.ip, sizeof n.ip);
    return tally_key(s->tally, span_of_name(&n));
}

static uint64_t client_key(const struct slots *s, const struct addr *client)
{
    struct name n = client_name(client);

    return tally_key(s->tally, span_of_name(&n));
}

static uint64_t login_key(const struct slots *s, const struct addr *client)
{
    struct name n = client_name(client);

    return strikes_key(s->strikes, span_of_name(&n));
}

bool slots_enter(const struct slots *s, const struct smtp_listener *l, unsigned *held)
{
    if (s->total > 0) {
        if (!tally_take(s->tally, s->part, total_key(s), s->total))
            return false;
        *held |= SLOT_TOTAL;
    }
    if (l->max_smtp_in > 0) {
        if (!tally_take(s->tally, s->part, listener_key(s, l), l->max_smtp_in)) {
            slots_leave(s, l, NULL, held);
            return false;
        }
        *held |= SLOT_LISTENER;
    }
    return true;
}

bool slots_are_free(const struct slots *s, const struct smtp_listener *l)
{
    return (s->total == 0 || tally_count(s->tally, total_key(s)) < s->total) &&
           (l->max_smtp_in == 0 || tally_count(s->tally, listener_key(s, l)) < l->max_smtp_in);
}

enum reason slots_admit(const struct slots *s, const struct source *rule, const struct addr *client,
                        unsigned *held, double now)
{
    if (rule->auth_failures.count > 0 &&
        strikes_is_out(s->strikes, login_key(s, client), &rule->auth_failures, now))
        return REASON_LOGINS;
    if (rule->max_connections_per_client == 0)
        return REASON_NOT_YET;
    if (!tally_take(s->tally, s->part, client_key(s, client), rule->max_connections_per_client))
        return REASON_CLIENT_CROWDED;
    *held |= SLOT_CLIENT;
    return REASON_NOT_YET;
}

const char *slots_refusal(enum reason why)
{
    return why == REASON_LOGINS ? "Too many failed logins, try again later"
                                : "Too many connections from your address";
}

void slots_leave(const struct slots *s, const struct smtp_listener *l, const struct addr *client,
                 unsigned *held)
{
    if (*held & SLOT_CLIENT)
        tally_give(s->tally, s->part, client_key(s, client));
    if (*held & SLOT_LISTENER)
        tally_give(s->tally, s->part, listener_key(s, l));
    if (*held & SLOT_TOTAL)
        tally_give(s->tally, s->part, total_key(s));
    *held = 0;
}

bool slots_try_login(const struct slots *s, const struct source *rule, const struct addr *client,
                     double now)
{
    return strikes_try(s->strikes, login_key(s, client), &rule->auth_failures, now);
}

void slots_pardon(const struct slots *s, const struct addr *client, double now)
{
    strikes_pardon(s->strikes, login_key(s, client), now);
}
