/* SPDX-License-Identifier: Apache-2.0
 *
 * facts - what is known of a TLS session once its handshake is over.
 */
#pragma once

#include <stdbool.h>

/* Plain text everywhere, cleaned; "" where there is nothing. Names are OpenSSL's. */
struct tls_facts {
    char protocol[16];        /* "TLSv1.3" */
    char cipher[48];          /* "TLS_AES_256_GCM_SHA384" */
    char group[24];           /* "X25519" */
    char verify[64];          /* "ok"; "none": no certificate came or none was asked for; else why not */
    char sni[128];            /* the name that the client asked for */
    char peer_subject[256];   /* one line, RFC 2253; of a certificate verified or not */
    char peer_fingerprint[65]; /* SHA-256 of the certificate, in hex */
    int bits;
    bool resumed;
};
