/* SPDX-License-Identifier: Apache-2.0
 *
 * route - which servers to try, in which order. Pure: answers in, candidates out.
 *
 * Asking is find.[ch]'s. A route is begun, fed with one answer for each host that was asked
 * about, and settled: sorted by preference, without ourselves and what is beyond ourselves
 * (RFC 5321, 5.1), and without private addresses where they are not allowed.
 */
#pragma once

#include "base/option.h"
#include "rule/fail.h"
#include "rule/hosts.h"
#include "way/answer.h"

enum { ROUTE_MAX = 64 };

/* Why one of the servers is not tried. */
enum route_drop {
    ROUTE_STAYS,
    ROUTE_OWN,     /* it is ourselves */
    ROUTE_BEYOND,  /* not better than ourselves (RFC 5321, 5.1) */
    ROUTE_PRIVATE, /* without allow-private-destinations */
};

struct candidate {
    char name[DNS_NAME];   /* the server's name; "" where only its address is known */
    unsigned preference;   /* of the MX; what led to it has its own, which counts first */
    struct addr at;        /* with port */
    const struct host *by; /* what led to it; NULL: the mail server chose it. Borrowed */
    bool secure;           /* its name comes from the administrator, or from DNS under DNSSEC */
    bool told;             /* the administrator wrote this very address: it may be private */
    enum route_drop drop;
};

struct route {
    size_t count;
    struct candidate at[ROUTE_MAX];
    size_t dropped; /* so many more stand behind those */
};

/* Where we are ourselves. */
struct own {
    const struct addr *addresses; /* of this machine, without ports; loopback does not count */
    size_t address_count;
    const struct addr *listeners; /* ours, with ports; an ip of zeros is all of the machine's */
    size_t listener_count;
    struct networks others; /* local-addresses */
};

/* Is it an address of this machine, whatever the port? */
bool own_is_machine(const struct own *own, const struct addr *a);

/* Is that one of our listeners? */
bool own_listens_at(const struct own *own, const struct addr *at);

/* What `domain` (an address literal, or A-labels) and the rule's smtp-hosts say should be looked
 * up: each entry is asked about or, if it is an address, known. FAIL_BAD_DOMAIN if neither. */
MUST enum fail route_hosts(struct span domain, const char *smtp_hosts, uint16_t port,
                           struct hosts *out);

/* The entry of a literal in smtp-hosts (`told`) or in a recipient's address. */
void route_add_address(struct route *r, const struct host *from, bool told);

/* What was answered about `asked`. */
void route_add_answer(struct route *r, const struct host *asked, const struct answer *a);

/* The mail server has chosen `to`: of what was found only the server at that address is left, the
 * best if there are several, with the port of `to`. Where MX has but one name for the domain, that
 * is the name of any address: the world may have others for it than we were told, and whatever the
 * name must prove is asked of whoever answers there. False: none is there; then it is the address
 * alone, without a name. */
MUST bool route_only(struct route *r, const struct addr *to);

/* What an answer without hosts means. */
enum fail route_fail_of(enum answer_status status);

/* FAIL_NOT and at least one candidate, or why there is none. */
MUST enum fail route_settle(struct route *r, const struct own *own, bool allow_private);
