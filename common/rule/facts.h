/* SPDX-License-Identifier: Apache-2.0
 *
 * facts - what is known of a TLS session once its handshake is over, and TLS's versions.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"

/* In the words of options; the numbers are the words' places. */
#define TLS_PROTOCOL_WORDS "TLSv1 TLSv1.1 TLSv1.2 TLSv1.3"
enum tls_protocol { TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 };

/* Its texts, with their room: cleaned, and "" where there is nothing. Names are OpenSSL's. */
/* clang-format off */
#define TLS_FACTS_TEXTS(T)                                                                  \
    T(protocol, 16)             /* "TLSv1.3" */                                             \
    T(cipher, 48)               /* "TLS_AES_256_GCM_SHA384" */                              \
    T(group, 24)                /* "X25519" */                                              \
    T(verify, 64)               /* "ok"; "none": no certificate came or none was asked for; \
                                   else a word for why not: net/verify.c has them, and      \
                                   "not-listed" (certificate.h) */                          \
    T(sig_alg, 24)              /* how the server's certificate is signed: "RSA-SHA256" */  \
    T(key_alg, 16)              /* and its key: "EC256", "RSA2048" */                       \
    T(sni, 128)                 /* the name that the client asked for */                    \
    T(peer_subject, 256)        /* one line, RFC 2253; of one verified or not */            \
    T(peer_fingerprint, 65)     /* SHA-256 of the certificate, in hex */                    \
    T(peer_key_fingerprint, 65) /* the same of its public key (SubjectPublicKeyInfo) */
/* clang-format on */

struct tls_facts {
#define FIELD(text, size) char text[size];
    TLS_FACTS_TEXTS(FIELD)
#undef FIELD
    int bits;
    bool resumed;
};

/* The same without its empty room, to be kept: some 90 bytes of 716. */
enum { FACTS_PACKED = sizeof(struct tls_facts) };

/* How many bytes of `to` it takes comes back. */
size_t facts_pack(const struct tls_facts *f, char to[FACTS_PACKED]);

/* Trusts nobody to have packed it: what is missing is empty, what is too long is cut. */
void facts_unpack(struct span from, struct tls_facts *out);

/* For the time of a session: free() it. NULL: no memory. */
struct facts_kept {
    unsigned short len;
    char bytes[];
};
struct facts_kept *facts_keep(const struct tls_facts *f);

/* What was kept, in `room`, which comes back; NULL if that is what `kept` is. */
const struct tls_facts *facts_of(const struct facts_kept *kept, struct tls_facts *room);
