/* SPDX-License-Identifier: Apache-2.0
 *
 * ca - certificates for tests, made on the spot.
 */
#pragma once

#include <openssl/evp.h>
#include <openssl/x509.h>

struct ca_cert {
    X509 *cert;
    EVP_PKEY *key;
};

struct ca_wish {
    const char *subject;          /* common name */
    const char *names;            /* "DNS:a.example,DNS:*.b.example", or NULL for none */
    const struct ca_cert *issuer; /* NULL: signs itself */
    const char *type;             /* "RSA", "EC", "P-384", "ED25519"; NULL is EC */
    int from_days, to_days;       /* both 0: from yesterday until in 30 days */
    int is_ca;
    const char *use; /* extended key usage: "clientAuth"; NULL: none is said */
};

/* Both stop the test if they fail. */
struct ca_cert ca_make(const struct ca_wish *wish);
void ca_free(struct ca_cert *c);

/* Writes a revocation list of `issuer` to a file of ca_folder(), with `revoked` in it if that is
 * not NULL. Path as of ca_write(). */
const char *ca_crl(const char *name, const struct ca_cert *issuer, const struct ca_cert *revoked,
                   int from_days, int to_days);

/* One file of ca_folder() behind the other, in a third. */
const char *ca_join(const char *name, const char *first, const char *second);

/* A folder of this test's own, and its end with all that is in it. */
const char *ca_folder(void);
void ca_sweep(void);

enum ca_parts { CA_KEY = 1, CA_CERT = 2, CA_ISSUER = 4, CA_CHAIN_FIRST = 8 };

/* Writes `parts` to a file of ca_folder(), the key with `password` if it is not NULL, mode
 * 0600. Its path comes back: static, good until the 16th call after. */
const char *ca_write(const char *name, const struct ca_cert *c, const struct ca_cert *issuer,
                     int parts, const char *password);
