/* SPDX-License-Identifier: Apache-2.0
 *
 * digest - one short name for many pieces: nobody can find others that have the same, as nobody
 * knows the process's own keys (SipHash-2-4 by two of them; SHA-256 by OpenSSL cost 11,000
 * instructions of the 122,000 of a message, this 2,000). No other process gives the same name.
 * Where one piece ends and the next begins is part of it.
 */
#pragma once

#include "base/span.h"

enum { DIGEST_TEXT = 33 };

struct digest;

/* NULL: no memory; the others then do nothing. */
struct digest *digest_new(void);

/* Borrowed for the call; less than 4 GB. */
void digest_add(struct digest *d, struct span piece);

/* In hex; "" if there was no memory. The digest is gone then. */
void digest_end(struct digest **d, char to[DIGEST_TEXT]);
