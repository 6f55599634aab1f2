/* SPDX-License-Identifier: Apache-2.0
 *
 * cert - our certificates and private keys: the one door by which keys reach TLS.
 */
#pragma once

#include <stddef.h>

#include "base/option.h"
#include "base/span.h"

struct ssl_ctx_st;

/* Gives `ctx` the chain and the key of one PEM file (key and chain in any order; the key may
 * be encrypted). -1 with one line in `why`: unreadable, no key in it, wrong password, key
 * and certificate do not match, or readable by others than its owner and group. */
MUST int cert_use(struct ssl_ctx_st *ctx, const struct cert_file *from, char *why, size_t size);
