/* SPDX-License-Identifier: Apache-2.0
 *
 * envid - the mail server's queue id in ENVID (RFC 3461, 4.4), where sallyport-milter puts it and
 * sallyport-out reads it.
 *
 * "SP1/QUEUEID/MAC/" and behind that the client's own ENVID, as it was said. The MAC is over
 * both, with a key that only our programs have: no client can name a queue id.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

#define ENVID_KEY "envid.key" /* in state-directory: keep/secret.h */

enum { ENVID_MAX = 100 }; /* characters (RFC 3461, 4.4) */

/* The value of ENVID for a queue id; `own` (xtext) is the client's, or empty. Its length, 0 where
 * there is none: the queue id has odd characters, or all is too long. */
MUST size_t envid_make(char to[ENVID_MAX + 1], const uint64_t key[2], struct span queue_id,
                       struct span own);

/* Does it claim to be one of ours, rightly or not? */
bool envid_claims(struct span value);

/* False: it is not ours; then it is the client's. Both point into `value`. */
MUST bool envid_read(struct span value, const uint64_t key[2], struct span *queue_id,
                     struct span *own);
