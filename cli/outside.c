/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/checks.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <poll.h>

#include "net/conn.h"

enum { ADDRESSES = 64, WAIT_MS = 1000 };

/* Of this machine, up; link-local ones are not for anybody outside. */
static size_t list_own(struct addr *out, size_t most)
{
    struct ifaddrs *all, *i;
    size_t count = 0;

    if (getifaddrs(&all) != 0)
        return 0;
    for (i = all; i && count < most; i = i->ifa_next) {
        struct addr *a = &out[count];

        if (i->ifa_addr && (i->ifa_flags & IFF_UP) && addr_of_sockaddr(i->ifa_addr, a) &&
            !(a->ip[0] == 0xfe && (a->ip[1] & 0xc0) == 0x80))
            count++;
    }
    freeifaddrs(all);
    return count;
}

static bool is_ip(const struct addr *a, const struct addr *b)
{
    return memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool outside_is_here(const struct addr *at)
{
    struct addr own[ADDRESSES];
    size_t count = list_own(own, ADDRESSES);
    bool found = addr_is_loopback(at);

    for (size_t i = 0; i < count && !found; i++)
        found = is_ip(&own[i], at);
    return found;
}

/* What answers there is ourselves. */
static bool is_listener(const struct settings *s, const struct addr *at)
{
    static const struct addr any4 = {.ip = {[10] = 0xff, [11] = 0xff}}, any6;

    for (size_t i = 0; i < s->smtp_listener_count; i++) {
        const struct addr *l = &s->smtp_listeners[i].at;

        if (l->port == at->port && (is_ip(l, at) || is_ip(l, &any4) || is_ip(l, &any6)))
            return true;
    }
    return false;
}

static bool answers(const struct addr *at)
{
    struct conn c;
    enum conn_got got;

    conn_init(&c, -1);
    got = conn_dial(&c, at, NULL);
    if (got == CONN_LATER) {
        struct pollfd ready = {.fd = c.fd, .events = POLLOUT};

        if (poll(&ready, 1, WAIT_MS) > 0)
            got = conn_dialled(&c);
    }
    conn_clear(&c);
    return got == CONN_SOME;
}

void outside_check(const struct target *t)
{
    struct addr own[ADDRESSES];
    size_t count = list_own(own, ADDRESSES);
    char text[ADDR_TEXT];

    if (!outside_is_here(&t->at)) {
        finding_plain(t->findings, FINDING_ELSEWHERE, t->where);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        own[i].port = t->at.port;
        if (addr_is_loopback(&own[i]) || is_listener(t->settings, &own[i]) || !answers(&own[i]))
            continue;
        /* One is enough: the remedy is for all. */
        finding_add(t->findings, FINDING_REACHABLE, t->where, "%s", addr_port_text(&own[i], text));
        return;
    }
}
