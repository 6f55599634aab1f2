/* SPDX-License-Identifier: Apache-2.0
 *
 * digest - one short name for many pieces (SHA-256): nobody can find others that have the same.
 * Where one piece ends and the next begins is part of it.
 */
#pragma once

#include "base/span.h"

enum { DIGEST_TEXT = 65 };

struct digest;

/* NULL: no memory; the others then do nothing. */
struct digest *digest_new(void);
void digest_add(struct digest *d, struct span piece);

/* In hex; "" if there was no memory. The digest is gone then. */
void digest_end(struct digest **d, char to[DIGEST_TEXT]);
