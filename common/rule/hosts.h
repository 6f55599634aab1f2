/* SPDX-License-Identifier: Apache-2.0
 *
 * hosts - reads smtp-hosts: servers that the administrator names in place of MX. Pure.
 *
 * "a.example, b.example; c.example:2525; [192.0.2.1], [IPv6:2001:db8::1]:26; lookup-mx:d.example":
 * ',' goes on with the same preference, ';' begins the next.
 */
#pragma once

#include "base/addr.h"
#include "smtp/idna.h"

/* PowerMTA names no limit; each costs 300 bytes in a search. */
enum { HOSTS_MAX = 32 };

enum host_kind { HOST_NAME, HOST_ADDRESS, HOST_LOOKUP_MX };

struct host {
    enum host_kind kind;
    unsigned preference;  /* 0, 1, 2... */
    char name[IDNA_NAME]; /* not of HOST_ADDRESS */
    struct addr at;       /* of HOST_ADDRESS; of all of them the port */
};

struct hosts {
    size_t count;
    struct host at[HOSTS_MAX];
};

/* False with a few words in `*why` (static): not of this form, or more than HOSTS_MAX.
 * `port` is that of entries without one. */
MUST bool hosts_read(struct span text, uint16_t port, struct hosts *out, const char **why);

/* "[192.0.2.1]" or "[IPv6:2001:db8::1]", as in an address literal (RFC 5321, 4.1.3). */
MUST bool literal_read(struct span text, struct addr *out);
