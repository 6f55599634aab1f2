/* SPDX-License-Identifier: Apache-2.0
 *
 * hear - what a client says: the half of `serve` that reads.
 *
 * serve_next() is here; these are of serve.c, for nobody else.
 */
#pragma once

#include "smtp/serve.h"

/* A request came; its ticket comes back. */
unsigned serve_owe(struct serve *s, enum verb verb);

/* Is there room for one more reply, for all that are owed, and for a last word? */
bool serve_can_owe(const struct serve *s);
