/* SPDX-License-Identifier: Apache-2.0
 *
 * rua - the TXT record at _smtp._tls.DOMAIN, which says where reports are wanted:
 * "v=TLSRPTv1; rua=mailto:tls@example.com,https://example.com/tls" (RFC 8460, 3). Pure.
 *
 * Fields that are not known are ignored, and so are addresses of other schemes, or that nobody
 * should be made to use: with control characters, logins or IP addresses in their place.
 */
#pragma once

#include "base/span.h"

enum { RUA_MOST = 8, RUA_TEXT = 512, RUA_HOST = 254 };

struct rua {
    char text[RUA_TEXT]; /* as it is written, "mailto:a@b" or "https://b/c" */
    bool is_https;
    char mail[RUA_TEXT]; /* without %.. and what may stand behind a '?' */
    char host[RUA_HOST]; /* https */
    unsigned port;
};

struct rua_record {
    unsigned count; /* texts that begin as one should */
    bool bad;
    size_t ruas;
    struct rua rua[RUA_MOST]; /* the first of them */
};

/* One of the texts that are there. Those that do not begin with "v=TLSRPTv1" are none. */
void rua_record_add(struct rua_record *r, struct span text);

/* Once all are in: exactly one, and a good one, with somewhere to go. Else no report is wanted. */
bool rua_record_is(const struct rua_record *r);

/* Could it be a host's or a domain's name? No address is, and nothing with a meaning elsewhere. */
bool rua_is_host(struct span s);
