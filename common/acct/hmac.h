/* SPDX-License-Identifier: Apache-2.0
 *
 * hmac - HMAC-SHA-256 (RFC 2104, FIPS 180-4): the door to OpenSSL of this room.
 */
#pragma once

#include "base/span.h"

enum { HMAC_BYTES = 32 };

struct hmac;

/* Of a key that is not empty; it is copied. NULL: no memory. */
struct hmac *hmac_new(struct span key);
void hmac_free(struct hmac **h);

/* False: no memory; nothing is written. */
MUST bool hmac_make(struct hmac *h, struct span bytes, unsigned char out[HMAC_BYTES]);
