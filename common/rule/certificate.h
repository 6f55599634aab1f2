/* SPDX-License-Identifier: Apache-2.0
 *
 * certificate - what a client's certificate is worth under the rules: pure.
 *
 * The handshake has shown that the client has the key, and net/verify what the chain is worth.
 * A name in a certificate is a name: nobody is logged in by it.
 */
#pragma once

#include "base/option.h"
#include "base/span.h"
#include "rule/facts.h"
#include "rule/source.h"

enum { FINGERPRINT_TEXT = 65 };

/* SHA-256 in hex, with or without colons between the bytes, in any case; `to` has small letters
 * without. False: it is none. */
MUST bool fingerprint_read(struct span text, char to[FINGERPRINT_TEXT]);

/* The first of the list that is none; NULL: all are good. */
const char *fingerprints_mistake(const struct texts *list);

/* Is the certificate or its key in the list? */
bool fingerprints_have(const struct texts *list, const struct tls_facts *tls);

/* What tls_facts.verify is to say: "ok" where the certificate is all that the rule wants;
 * "not-listed" where only its fingerprint is wrong. A listed one needs a chain only where there
 * are CAs (`has_ca`); without, it may have signed itself, and only its dates count. */
const char *certificate_word(const struct source *rule, const struct tls_facts *tls, bool has_ca);

/* Something that a certificate may be for, wildcard or not? Whatever else stands in one is no name.
 */
bool certificate_is_name(struct span s);

/* Is `name` among a certificate's names, as conn_names() gives them? A wildcard is the whole
 * leftmost label and stands for one (RFC 9525, 6.3). */
bool certificate_has_name(struct span names, struct span name);
