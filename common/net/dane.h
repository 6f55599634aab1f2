/* SPDX-License-Identifier: Apache-2.0
 *
 * dane - does the certificate of the server that we called match its TLSA records (RFC 6698,
 * 7671, 7672)?
 *
 * Asked after the handshake, as often as one likes: of a session that was resumed and of a
 * connection that was kept, too, each time against the records that hold then. What the server
 * showed is judged anew, so nothing is ever taken from an earlier proof. The handshake itself
 * knows nothing of it, and conn_cert_state() goes on to say what the CAs make of the same
 * certificate: a rule may demand both.
 */
#pragma once

#include "net/conn.h"
#include "rule/tlsa.h"

/* All of it is borrowed. */
struct dane {
    const struct tlsa *at;
    size_t count;
    const char *base;   /* the TLSA base domain: it goes out as SNI (conn_connect_tls()) */
    const char *domain; /* the recipients' domain, where its MX records led here: a certificate for
                           it will do with usage 2, too (RFC 7672, 3.2.2); NULL or "" for none */
};

/* After the handshake. Without a certificate, or without records: DANE_UNMATCHED. */
enum dane_state conn_dane_state(const struct conn *c, const struct dane *d);

/* Adds records and names to a digest: for keys under which connections and sessions are kept for
 * the next. The order of the records is part of it. */
struct digest;
void dane_digest(const struct dane *d, struct digest *to);
