/* SPDX-License-Identifier: Apache-2.0 */
#include "way/own.h"

#include <ifaddrs.h>
#include <stdlib.h>
#include <sys/socket.h>

static size_t addresses(const struct ifaddrs *all, struct addr *to)
{
    size_t count = 0;

    for (; all; all = all->ifa_next) {
        struct addr at;

        if (!all->ifa_addr || !addr_of_sockaddr(all->ifa_addr, &at))
            continue;
        if (to)
            to[count] = at;
        count++;
    }
    return count;
}

static struct addr *machine(size_t *count)
{
    struct ifaddrs *all = NULL;
    struct addr *at;

    if (getifaddrs(&all) != 0)
        return NULL;
    *count = addresses(all, NULL);
    at = calloc(*count + 1, sizeof *at);
    *count = at ? addresses(all, at) : 0;
    freeifaddrs(all);
    return at;
}

static struct addr *listeners(const struct settings *s, size_t *count)
{
    size_t most = s->relay_listener_count + s->smtp_listener_count;
    struct addr *at = calloc(most + 1, sizeof *at);

    for (size_t i = 0; at && i < s->relay_listener_count; i++) {
        const struct relay_listener *l = &s->relay_listeners[i];
        struct addr everywhere = {.port = l->at.port};

        if (l->path)
            continue;
        /* One that is known by a map is bound to the whole loopback device. */
        at[(*count)++] = l->hand_over == HAND_OVER_TRANSPORT_MAP ? everywhere : l->at;
    }
    for (size_t i = 0; at && i < s->smtp_listener_count; i++)
        at[(*count)++] = s->smtp_listeners[i].at;
    return at;
}

void own_find(struct own *out, const struct settings *s)
{
    *out = (struct own){.others = s->global.local_addresses};
    out->addresses = machine(&out->address_count);
    out->listeners = listeners(s, &out->listener_count);
}

void own_clear(struct own *own)
{
    free((void *)own->addresses);
    free((void *)own->listeners);
    *own = (struct own){.address_count = 0};
}
