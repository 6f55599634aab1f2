/* SPDX-License-Identifier: Apache-2.0
 *
 * kdf - the key schedule of TLS 1.3 (RFC 8446, 7.1), without a search for each key.
 *
 * A handshake derives twenty secrets. For each, OpenSSL 3.0 looks for a digest by its name behind
 * locks, and makes and frees an HMAC with all that belongs to it: more work than hashing and
 * signing together. This is the same function (HKDF-Extract, HKDF-Expand-Label) over OpenSSL's own
 * SHA-256 and SHA-384, which are found once. OpenSSL takes it as a provider, only where it is
 * asked for by KDF_WANTED, and only where its configuration allows for providers that claim nothing
 * (not with "fips=yes").
 *
 * What OpenSSL asks of it is between two parts of OpenSSL, and not promised: so it is taken only by
 * the minor version that we were built with, and a parameter that it does not know is a failure,
 * which ends the handshake. A wrong key would end it, too: nothing is ever sent by one.
 *
 * AES-GCM comes with it, see gcm.h.
 *
 * For processes with one thread. Children that are forked have each their own.
 */
#pragma once

#include <stdbool.h>

/* A property query: the algorithms that are here, and else any. */
#define KDF_WANTED "?provider=sallyport"

/* Before the first context is made; without it, or if it fails, OpenSSL's own is taken. */
void kdf_use(void);

/* NULL: it is in use. Else why not, in a few words. */
const char *kdf_missing(void);

/* Is the OpenSSL that is here one that asks as that did which we were built with? Both as
 * OPENSSL_VERSION_NUMBER. */
bool kdf_fits(unsigned long built, unsigned long here);
