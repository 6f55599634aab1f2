/* SPDX-License-Identifier: Apache-2.0
 *
 * rollup - domains whose servers are the same are one: mx-rollup-list. Pure.
 *
 *   mx-rollup-list {
 *       mx aspmx.l.google.com google.rollup
 *       mx *.mail.protection.outlook.com outlook.rollup rollup-by-ip
 *   }
 *   domain google.rollup { max-smtp-out = 50 }
 *
 * The servers of the lowest preference decide. All of them must be in the list under one name, and
 * the list must not write out more of that name than there are. Settings and connections are then
 * those of `domain NAME.rollup`; but what the domain's own rule demands of TLS is never lowered by
 * an answer of DNS: where the rollup's rule would, the domain keeps its own.
 */
#pragma once

#include "rule/domain.h"

#define MX_OPTIONS(O, S) O(S, LIST, rollup, "", ANY, "NAME.rollup, and rollup-by-ip or nothing.")

/* A line of the list. */
struct rollup_mx {
    OPTION_HEAD /* the title is the server's name, or "*." and what it is below */
        MX_OPTIONS(OPTION_FIELD, rollup_mx) const char *name; /* "google.rollup" */
    bool by_ip; /* connections count for each address by itself */
};
extern const struct option rollup_mx_options[];

struct rollups {
    const struct rollup_mx *at;
    size_t count;
};

/* Is it a server's name or a wildcard, as a title; is it "NAME.rollup"? */
bool rollup_is_server(const char *title);
bool rollup_is_name(const char *text);

bool rollup_is_wildcard(const struct rollup_mx *mx);

/* The line that the servers of the lowest preference, `count` names, come to; NULL: none. */
const struct rollup_mx *rollup_find(const struct rollups *list, const char *const *servers,
                                    size_t count);

/* Does the rollup's rule demand of TLS all that the domain's own demands? */
bool rollup_keeps(const struct domain *rollup, const struct domain *own);
