/* SPDX-License-Identifier: Apache-2.0
 *
 * manners - how TLS is spoken to the servers of a domain: one context for each distinct set of
 * TLS options that a domain can come to have.
 *
 * The master makes them, since it alone can read the keys of client certificates; workers
 * inherit them.
 */
#pragma once

#include "base/dated.h"
#include "conf/settings.h"
#include "rule/decide.h"

struct manners;
struct tls;

/* NULL with one line in `why`: where the section stands, what is wrong. The settings must live as
 * long. */
struct manners *manners_new(const struct settings *s, char *why, size_t size);

/* The same for `count` rules alone; of the first the CAs must be the system's. */
struct manners *manners_of(const struct domain *const rules[], size_t count, char *why,
                           size_t size);
void manners_free(struct manners **m);

/* Shows our client certificates. */
void manners_show(const struct manners *m, dated_fn *show, void *arg);

/* The context for a rule as domains_find() gives it, and for what is demanded of this candidate:
 * where clear text would do, weak TLS is better than none, and nowhere else. NULL: there is none,
 * so no TLS. */
struct tls *manners_find(const struct manners *m, const struct domain *rule,
                         enum demand_level level);

/* One whose CAs are the system's: what MTA-STS means by public ones. */
struct tls *manners_public(const struct manners *m);
