/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/handed.h"

#include "net/head.h"

static const struct handed_why
    not_redirected = {REASON_NOT_REDIRECTED,
                      "netfilter did not send it here: redirect the mail server's connections to "
                      "this listener, or call one with hand-over = smarthost"},
    not_proxied =
        {REASON_NOT_REDIRECTED,
         "it was meant for this listener itself: send it here by TPROXY, or call one with "
         "hand-over = smarthost"},
    looping = {REASON_LOOP,
               "it was meant for a listener of our own: give the mail server another way"},
    unheard = {REASON_NO_HEADER,
               "it did not begin with a PROXY header, or that is wrong: let the mail "
               "server send one, or call a listener with another hand-over"},
    portless = {REASON_NO_HEADER, "the PROXY header names port 0"},
    check = {REASON_HEALTH_CHECK, NULL}, left = {REASON_CLIENT_LEFT, NULL};

const struct handed_why handed_late = {
    REASON_NO_HEADER,
    "no PROXY header came in time: let the mail server send one, or call a listener "
    "with another hand-over"};

static enum handed_got go_to(struct handed *h, const struct addr *to, const struct own *own,
                             struct handed_why *why)
{
    *why = looping;
    if (own_listens_at(own, to))
        return HANDED_REFUSED;
    h->to = *to;
    return HANDED_WELL;
}

/* With TPROXY the kernel gave the socket the address that was meant. */
static enum handed_got accept_transparent(struct handed *h, const struct conn *c,
                                          const struct own *own, struct handed_why *why)
{
    struct addr to;

    *why = not_proxied;
    if (!conn_local(c, &to) || own_listens_at(own, &to))
        return HANDED_REFUSED;
    h->to = to;
    return HANDED_WELL;
}

enum handed_got handed_accepted(struct handed *h, const struct relay_listener *l,
                                const struct conn *c, const struct own *own, struct handed_why *why)
{
    struct addr to;

    *h = (struct handed){.has_from = false};
    switch (l->hand_over) {
    case HAND_OVER_SMARTHOST:
    case HAND_OVER_TRANSPORT_MAP:
        return HANDED_WELL;
    case HAND_OVER_PROXY_HEADER:
        return HANDED_LATER;
    case HAND_OVER_ORIGINAL_DESTINATION:
        break;
    }
    if (l->transparent)
        return accept_transparent(h, c, own, why);
    *why = not_redirected;
    return conn_meant(c, &to) ? go_to(h, &to, own, why) : HANDED_REFUSED;
}

static bool is_ours(const struct addr *a, const struct addr *to, const struct own *own)
{
    for (size_t i = 0; i < own->address_count; i++)
        if (!memcmp(own->addresses[i].ip, a->ip, sizeof a->ip))
            return true;
    return addr_is_loopback(a) && addr_is_loopback(to);
}

enum handed_got handed_hear(struct handed *h, struct conn *c, struct buf *head,
                            const struct own *own, struct handed_why *why)
{
    const char *broke;
    struct head_said said;
    int got = head_hear(c, head, &said, &broke);

    if (got == 0)
        return HANDED_LATER;
    *why = broke ? unheard : left;
    if (got < 0)
        return HANDED_SPOILT;
    *why = said.local ? check : portless;
    if (said.local || said.server.port == 0)
        return HANDED_REFUSED;
    h->from = said.client;
    h->from.port = 0;
    h->has_from = addr_is_v4(&said.client) == addr_is_v4(&said.server) &&
                  is_ours(&said.client, &said.server, own);
    return go_to(h, &said.server, own, why);
}
