/* SPDX-License-Identifier: Apache-2.0
 *
 * family - which of one server's addresses is tried first. Pure.
 *
 * IPv6 and IPv4 take turns, IPv6 first (RFC 8305, 4), where this machine has an address of it that
 * the world knows (RFC 6724, 5, rule 1), and else IPv4: then nothing is lost on a network that is
 * not there. Where source-address names one family alone, that comes first, so that mail does not
 * come from an address that nobody chose. What is put back stays behind the server's others.
 */
#pragma once

#include "rule/domain.h"
#include "way/route.h"

bool family_is_v6_first(const struct own *own, const struct domain *rule);

/* Each server's addresses, where they stand in the route. */
void family_order(struct route *r, bool v6_first);

/* What did not answer lately. */
typedef bool family_down_fn(void *arg, const struct addr *at);
void family_put_back(struct route *r, family_down_fn *is_down, void *arg);

/* Seconds for a connection to the candidate: connect-timeout, but FAMILY_QUICK for an IPv6 address
 * that has the same server's IPv4 behind it. Only one connection is ever made at a time. */
enum { FAMILY_QUICK = 2 };
double family_patience(const struct route *r, size_t at, const struct domain *rule);
