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

/* What a load balancer may send us: version 1 with its CRLF, and either version. */
enum { HEAD_V1_MAX = 107, HEAD_MAX_IN = 16 + 4096 };

/* Types of TLVs that mean something to us. */
enum head_type {
    HEAD_AUTHORITY = 0x02,
    HEAD_CRC32C = 0x03,
    HEAD_NOOP = 0x04,
    HEAD_UNIQUE_ID = 0x05,
    HEAD_SSL = 0x20
};

/* `tls` NULL: the client did not use TLS with us. Version 2 says it in TLVs (SSL with version,
 * cipher, group, the algorithms of our certificate and, of a verified one of the client, the
 * common name; SNI as authority; session id as unique id); what would make it longer than
 * HEAD_MAX is left out. `tlvs` came to us in such a header (head_said) and are passed on: each
 * type stands once, and what came stays before what we would say, but SSL where `tls` is known.
 * If one address is IPv6, both are said as such. False if it does not fit `to`. */
MUST bool head_make_v1(struct buf *to, const struct addr *client, const struct addr *server);
MUST bool head_make_v2(struct buf *to, const struct addr *client, const struct addr *server,
                       const struct tls_facts *tls, struct span session_id, struct span tlvs);

/* Version 2, of a connection that stands for nobody but ourselves (LOCAL). */
MUST bool head_make_local(struct buf *to);

/* What the header of a load balancer says. */
struct head_said {
    bool local;                 /* LOCAL or UNKNOWN: the connection is the balancer's own */
    struct addr client, server; /* of the client's connection to it; not where `local` */
    struct span tlvs;           /* whole ones, a CRC32C among them is right; borrowed from `in` */
};

/* The header of either version at the front of `in`. 1: it takes `*len` bytes. 0: more must
 * come; all that is there belongs to it. -1: there is none, or it is wrong, or too long, or about
 * what is not TCP. `out` and `len` are written with 1 only. */
MUST int head_read(struct span in, struct head_said *out, size_t *len);

struct conn;

/* Reads a header from the socket and not a byte more: what is behind it may be a TLS handshake.
 * `head` keeps what came, and at the end the TLVs, from which `said` borrows. 1: the header is
 * whole. 0: more must come. -1: it is none, and `*why` says what is wrong (static), or NULL: the
 * other side is gone. */
MUST int head_hear(struct conn *c, struct buf *head, struct head_said *said, const char **why);

struct head_tlv {
    unsigned type;
    struct span value;
};

/* Takes one from the front; false: there is none. */
MUST bool head_tlv_next(struct span *rest, struct head_tlv *out);
