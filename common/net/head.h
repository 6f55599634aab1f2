/* SPDX-License-Identifier: Apache-2.0
 *
 * head - the header of the PROXY protocol, versions 1 and 2.
 */
#pragma once

#include "base/addr.h"
#include "base/buf.h"
#include "rule/facts.h"

/* What must fit into one segment everywhere, and the most that Postfix reads. */
enum { HEAD_MAX = 536 };

/* `tls` NULL: the client did not use TLS. Version 2 says it in TLVs (SSL with version, cipher
 * and, of a verified certificate, the common name; SNI as authority; session id as unique
 * id); what would make it longer than HEAD_MAX is left out. If one address is IPv6, both are
 * said as such. False if it does not fit `to`. */
MUST bool head_make_v1(struct buf *to, const struct addr *client, const struct addr *server);
MUST bool head_make_v2(struct buf *to, const struct addr *client, const struct addr *server,
                       const struct tls_facts *tls, struct span session_id);
