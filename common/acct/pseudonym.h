/* SPDX-License-Identifier: Apache-2.0
 *
 * pseudonym - what stands for the local part of a recipient: privacy-policy.
 *
 *   retain                     itself
 *   redact                     "redacted"
 *   redact TEXT                TEXT
 *   siphash KEY                SipHash-2-4 of it, 16 hex digits; the key has 16 bytes
 *   hmac-sha256 KEY            HMAC-SHA-256 of it, 64 hex digits; the key has at least 16 bytes
 *
 * siphash-hexkey and hmac-sha256-hexkey have the key in hex. What is hashed is the local part in
 * small letters (A to Z; other letters stay, RFC 6530 leaves their case to their server), without
 * quotes (RFC 5321, 4.1.2: joe and "joe" are one). The digits are those that `openssl mac` prints.
 */
#pragma once

#include "base/option.h"

enum { PSEUDONYM_TEXT = 64, PSEUDONYM_KEY_LEAST = 16, PSEUDONYM_KEY_MOST = 256 };

struct pseudonym;

/* NULL, or what is wrong with a policy and what would be right: a text without anything of it, for
 * it may be a key. */
const char *pseudonym_objection(struct texts policy);

/* Is there a secret in it? */
bool pseudonym_has_key(struct texts policy);

/* Of a policy that is right. NULL: it is retain, or (`*lost`) there is no memory. */
struct pseudonym *pseudonym_new(struct texts policy, bool *lost);
void pseudonym_free(struct pseudonym **p);

/* For a local part without quotes, in small letters. How long it is comes back: at most
 * PSEUDONYM_TEXT, without a NUL. */
size_t pseudonym_make(struct pseudonym *p, struct span local, char to[PSEUDONYM_TEXT]);
