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

enum dns_type { DNS_A = 1, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28 };
enum { DNS_NAME = 256, DNS_NXDOMAIN = 3 };

#define DNS_NO_HOST "?"

struct dns_record {
    unsigned preference; /* MX */
    char name[DNS_NAME]; /* MX, in lower case; "" is the root (RFC 7505) */
    struct addr at;      /* A, AAAA; no port */
};

/* Up to `most` records into `out`. False: this is not a DNS message, and nothing in it counts. */
MUST bool dns_read(struct span message, enum dns_type type, struct dns_record *out, size_t most,
                   size_t *count);

/* Calls for each TXT record with its strings as one, without anything between them; `text` is
 * borrowed for the call. One of more than `DNS_TEXT` bytes is left out. False: as above, and then
 * nothing is called. */
enum { DNS_TEXT = 1024 };
typedef void dns_text_fn(void *arg, struct span text);
MUST bool dns_read_texts(struct span message, dns_text_fn *fn, void *arg);
