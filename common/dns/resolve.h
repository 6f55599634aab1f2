/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve - asks DNS, inside of the event loop. The door to libunbound.
 *
 * One context a process, made after fork. Its cache is libunbound's own.
 */
#pragma once

#include "base/option.h"
#include "dns/dns.h"

struct event_base;
struct resolve;

/* Forwards to `servers` (ADDRESS or ADDRESS@PORT), which may as well be authoritative for all
 * that is asked; if there are none, resolves from the root. NULL with one line in `why`. */
struct resolve *resolve_new(struct event_base *base, const struct texts *servers, char *why,
                            size_t size);
void resolve_free(struct resolve **r);

/* NAMED: it exists, `message` is the answer, maybe with no such record. ABSENT: it does not
 * exist. UNKNOWN: nobody said. The message is borrowed for the call. */
enum resolved { RESOLVED_NAMED, RESOLVED_ABSENT, RESOLVED_UNKNOWN };
typedef void resolve_fn(void *arg, enum resolved how, struct span message);

/* May call back before it returns. It always calls back, but for resolve_free(). */
void resolve_ask(struct resolve *r, const char *name, enum dns_type type, resolve_fn *fn,
                 void *arg);
