/* SPDX-License-Identifier: Apache-2.0
 *
 * dns - what a DNS answer holds (RFC 1035, 4). Pure.
 *
 * Reads the answer section of one message for records of one type. Aliases need no work here:
 * the resolver has followed them, and their targets' records stand in the same section. A name
 * with anything but letters, digits, '.', '-' and '_' is no host, and is not shown: DNS_NO_HOST.
 */
#pragma once

#include "base/addr.h"

enum dns_type {
    DNS_A = 1,
    DNS_CNAME = 5,
    DNS_SOA = 6,
    DNS_MX = 15,
    DNS_TXT = 16,
    DNS_AAAA = 28,
    DNS_TLSA = 52
};
enum { DNS_NAME = 256, DNS_NXDOMAIN = 3 };

#define DNS_NO_HOST "?"

struct dns_record {
    unsigned preference; /* MX */
    char name[DNS_NAME]; /* MX, CNAME, in lower case; "" is the root (RFC 7505) */
    struct addr at;      /* A, AAAA; no port */
    struct span content; /* TLSA: as it came (rule/tlsa.h reads it); borrowed from the message */
};

/* Up to `most` records into `out`; of more MX the best are kept, of others the first. False: this
 * is not a DNS message, and nothing in it counts. */
MUST bool dns_read(struct span message, enum dns_type type, struct dns_record *out, size_t most,
                   size_t *count);

/* The name that the aliases in the answer lead to from the one that was asked about: that very one
 * where there are none. DNS_NO_HOST where it is none. False: as above. */
MUST bool dns_read_end(struct span message, char name[DNS_NAME]);

/* Seconds for which the message holds: the least TTL of what it answers, or of what proves that
 * there is nothing (RFC 2308, 5). 0: it is malformed, or says neither. */
MUST unsigned long dns_life(struct span message);

/* Calls for each TXT record with its strings as one, without anything between them; `text` is
 * borrowed for the call. One of more than `DNS_TEXT` bytes is left out. False: as above, and then
 * nothing is called. */
enum { DNS_TEXT = 1024 };
typedef void dns_text_fn(void *arg, struct span text);
MUST bool dns_read_texts(struct span message, dns_text_fn *fn, void *arg);
