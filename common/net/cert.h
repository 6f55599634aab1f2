/* SPDX-License-Identifier: Apache-2.0
 *
 * cert - our certificates and private keys: the one door by which keys reach TLS.
 */
#pragma once

#include <stddef.h>
#include <time.h>

#include "base/option.h"
#include "base/span.h"

struct asn1_string_st;
struct ssl_ctx_st;
struct x509_st;
struct evp_pkey_st;
struct stack_st_X509;

struct cert {
    struct x509_st *leaf;        /* ours, as all of these */
    struct stack_st_X509 *chain; /* without the leaf */
    struct evp_pkey_st *key;
};

/* Reads one PEM file with key and chain in any order; the key may be encrypted. False with
 * one line in `why`: unreadable, readable by others than its owner and group, no key or
 * no certificate in it, wrong password, or none of its certificates is the key's. */
MUST bool cert_read(struct cert *c, const struct cert_file *from, char *why, size_t size);
void cert_clear(struct cert *c);

/* Gives `ctx` chain and key. It may have others, of other key types. */
MUST bool cert_use(const struct cert *c, struct ssl_ctx_st *ctx);

/* Is `name` one that the certificate is for? By its dNSNames; by the common name if it has none.
 * A dot at its end makes no difference. */
bool cert_is_for(const struct cert *c, const char *name);

/* Its dNSNames with commas between, or the common name if it has none; for people, so cleaned, and
 * cut where they are too many. */
enum { CERT_NAMES = 200 };
void cert_names(const struct cert *c, char to[CERT_NAMES]);

/* The first and the last moment that it is good. */
time_t cert_from(const struct cert *c);
time_t cert_until(const struct cert *c);

/* ASN.1's time as ours. */
time_t cert_time(const struct asn1_string_st *at);

/* Are both for the same names? */
bool cert_is_alike(const struct cert *a, const struct cert *b);
