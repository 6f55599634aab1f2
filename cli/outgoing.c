/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/checks.h"

#include <stdio.h>

#include "dns/anchor.h"
#include "dns/resolve.h"
#include "net/watch.h"

enum { PATIENCE = 15, V4 = 96, V4_OWN = V4 + 8, V4_WIDE = V4 + 16, V6_OWN = 7, V6_WIDE = 32 };

/* More addresses than anybody has mail servers, and not all of them private. */
static bool is_wide(const struct network *n)
{
    struct addr first = {.port = 0}, last = {.port = 0};
    bool v4;

    memcpy(first.ip, n->ip, sizeof first.ip);
    for (unsigned bit = 0; bit < 128; bit++)
        if (bit < n->bits ? n->ip[bit / 8] >> (7 - bit % 8) & 1 : 1)
            last.ip[bit / 8] |= (uint8_t)(1 << (7 - bit % 8));
    v4 = n->bits >= V4 && addr_is_v4(&first);
    if (n->bits >= (v4 ? V4_WIDE : V6_WIDE))
        return false;
    return n->bits < (v4 ? V4_OWN : V6_OWN) || !addr_is_private(&first) || !addr_is_private(&last);
}

static void check_allow(const struct relay_listener *l, struct findings *f)
{
    char where[128];

    snprintf(where, sizeof where, "relay-listener %.100s", l->head.title);
    for (size_t i = 0; i < l->allow.count && !l->path; i++)
        if (is_wide(&l->allow.at[i])) {
            finding_plain(f, FINDING_WIDE_ALLOW, where);
            return;
        }
}

struct asked {
    struct event_base *base;
    enum resolved how;
    bool secure, over;
};

static void on_answer(void *arg, enum resolved how, bool secure, struct span message)
{
    struct asked *a = arg;

    (void)message;
    if (a->over)
        return;
    a->how = how;
    a->secure = secure;
    a->over = true;
    (void)event_base_loopbreak(a->base);
}

static void on_late(void *arg)
{
    on_answer(arg, RESOLVED_UNKNOWN, false, (struct span){"", 0});
}

static void ask(struct asked *a, struct resolve *r, const char *name)
{
    struct alarm late;

    alarm_init(&late, a->base, on_late, a);
    alarm_set(&late, PATIENCE);
    resolve_ask(r, name, DNS_SOA, on_answer, a);
    while (!a->over && event_base_dispatch(a->base) == 0)
        continue;
    a->over = true;
    alarm_stop(&late);
}

static void check_dns(const struct settings *s, struct findings *f)
{
    const struct global *g = &s->global;
    const struct resolve_conf conf = {.servers = g->name_server, .anchors = g->trust_anchor_file};
    struct asked a = {.base = loop_new(), .how = RESOLVED_UNKNOWN};
    const char *where = g->name_server.count ? "name-server" : "DNS";
    char why[512] = "no memory", name[DNS_NAME];
    struct resolve *r = a.base ? resolve_new(a.base, &conf, why, sizeof why) : NULL;

    anchor_name(g->trust_anchor_file, name);
    if (r)
        ask(&a, r, name);
    if (!r)
        finding_say(f, SEVERITY_ERROR, where, why, "", NULL);
    else if (a.how == RESOLVED_UNKNOWN)
        finding_plain(f, FINDING_NO_RESOLVER, where);
    else if (*g->trust_anchor_file && !a.secure)
        finding_plain(f, FINDING_NOT_VALIDATED, where);
    resolve_free(&r);
    if (a.base)
        event_base_free(a.base);
}

void outgoing_check(const struct settings *s, struct findings *f)
{
    if (!s->relay_listener_count)
        return;
    for (size_t i = 0; i < s->relay_listener_count; i++)
        check_allow(&s->relay_listeners[i], f);
    if (!*s->global.trust_anchor_file && domains_heed_dane(s->domains))
        finding_plain(f, FINDING_NO_ANCHOR, "trust-anchor-file");
    check_dns(s, f);
}
