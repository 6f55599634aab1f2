/* SPDX-License-Identifier: Apache-2.0
 *
 * roll - mx-rollup-list, once the servers of a domain are known: whose rule holds, and under which
 * name connections count.
 */
#pragma once

#include "conf/settings.h"
#include "smtp/idna.h"
#include "way/route.h"

/* The line of the list that the route's servers come to. NULL: none, or the domain keeps its own
 * rule. */
const struct rollup_mx *roll_find(const struct settings *s, const struct domain *own,
                                  const struct route *route);

/* Does the rollup's rule lead to other servers, or to others of them, or want to know more of the
 * domain than its own did? Then all is asked anew. */
bool roll_leads_away(const struct domain *own, const struct domain *rollup);

/* Under which name a connection to this server counts; `mx` NULL: the domain's. Of at most
 * IDNA_NAME bytes. */
const char *roll_counts_as(const struct rollup_mx *mx, const char *domain,
                           const struct candidate *c, char to[IDNA_NAME]);
