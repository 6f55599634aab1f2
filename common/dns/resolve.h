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

struct resolve_conf {
    struct texts servers; /* forwards to these (ADDRESS or ADDRESS@PORT), which may as well be
                             authoritative for all that is asked; none: resolves from the root */
    const char *anchors;  /* a file with trust anchors (DS or DNSKEY records): every answer is
                             validated against them here, whatever a server says of itself.
                             "" or NULL: nothing is validated, and nothing is secure */
};

/* NULL with one line in `why`. */
struct resolve *resolve_new(struct event_base *base, const struct resolve_conf *conf, char *why,
                            size_t size);
void resolve_free(struct resolve **r);

/* Would resolve_new() take it? The same line in `why`. For a process that has yet to fork. */
MUST bool resolve_check(const struct resolve_conf *conf, char *why, size_t size);

/* NAMED: it exists, `message` is the answer, maybe with no such record. ABSENT: it does not
 * exist, as `message` says. UNKNOWN: nobody said. BOGUS: what was said does not validate; with a
 * server that takes the signatures out, that is every signed name. `secure`, with NAMED and ABSENT:
 * so it is, as DNSSEC proves from a trust anchor down, with all aliases on the way. The message is
 * borrowed for the call. */
enum resolved { RESOLVED_NAMED, RESOLVED_ABSENT, RESOLVED_UNKNOWN, RESOLVED_BOGUS };
typedef void resolve_fn(void *arg, enum resolved how, bool secure, struct span message);

/* May call back before it returns. It always calls back: at the latest, with UNKNOWN, from
 * resolve_free(). */
void resolve_ask(struct resolve *r, const char *name, enum dns_type type, resolve_fn *fn,
                 void *arg);
