/* SPDX-License-Identifier: Apache-2.0 */
#include "way/roll.h"

#include <stdio.h>

const struct rollup_mx *roll_find(const struct settings *s, const struct domain *own,
                                  const struct route *route)
{
    const char *servers[ROUTE_MAX];
    const struct rollup_mx *found;
    size_t count = 0;

    if (!s->rollups.count || own->disable_mx_rollup || *own->smtp_hosts)
        return NULL;
    for (size_t i = 0; i < route->count && route->at[i].preference == route->at[0].preference; i++)
        servers[count++] = route->at[i].name;
    found = rollup_find(&s->rollups, servers, count);
    if (!found || !rollup_keeps(domains_find(s->domains, span_of(found->name)), own))
        return NULL;
    return found;
}

bool roll_leads_away(const struct domain *own, const struct domain *rollup)
{
    return *rollup->smtp_hosts || rollup->default_smtp_port != own->default_smtp_port ||
           rollup->use_mta_sts != own->use_mta_sts ||
           (rollup->starttls_memory > 0 && own->starttls_memory == 0) ||
           rollup->allow_private_destinations != own->allow_private_destinations;
}

const char *roll_counts_as(const struct rollup_mx *mx, const char *domain,
                           const struct candidate *c, char to[IDNA_NAME])
{
    char ip[ADDR_TEXT];

    if (!mx)
        return domain;
    if (!mx->by_ip)
        return mx->name;
    addr_text(&c->at, ip);
    snprintf(to, IDNA_NAME, "%s %s", ip, mx->name);
    return to;
}
