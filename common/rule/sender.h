/* SPDX-License-Identifier: Apache-2.0
 *
 * sender - what mail must show to come from a domain: pure.
 *
 * Sections are `sender-domain PATTERN`, with the patterns and the merge of `domain`: pattern.h.
 */
#pragma once

#include "base/option.h"
#include "base/span.h"
#include "rule/facts.h"

#define SENDER_OPTIONS(O, S)                                                                    \
    O(S, FLAG, require_tls, "yes", ANY, "Mail from the domain must come over TLS.")             \
    O(S, LIST, certificate_names, "", ANY,                                                      \
      "Names of which a verified client certificate must have one; any if empty.")              \
    O(S, LIST, certificate_fingerprints, "", ANY,                                               \
      "SHA-256, in hex, of the client certificates or public keys that are taken as well.")     \
    O(S, FLAG, allow_authenticated, "yes", ANY, "An authenticated session needs none of that.") \
    O(S, FLAG, report_only, "no", ANY, "Record what would be refused, and let it pass.")

struct sender {
    OPTION_HEAD
    SENDER_OPTIONS(OPTION_FIELD, sender)
};
extern const struct option sender_options[];

struct senders;

/* As sources_new(). Also an error: what is no fingerprint, and certificates without TLS. */
struct macros;
struct senders *senders_new(const struct sender *sections, size_t count,
                            const struct macros *macros, char *why, size_t size);
void senders_free(struct senders **s);

/* `domain` in A-labels, or a literal. False: no section is about it, and it is free. */
MUST bool senders_find(const struct senders *s, struct span domain, struct sender *out);

/* Is there a section that may refuse, and does not only report, sessions like this? */
bool senders_enforce(const struct senders *s, bool authenticated);

/* What the session of this mail has to show. */
struct sender_proof {
    const struct tls_facts *tls; /* NULL in the clear */
    struct span names;           /* of the client's certificate: conn_names() */
    bool authenticated;
    bool compared; /* sallyport-in has compared the names with those that are listed: here, they
                      are not known */
};

enum sender_lacks {
    SENDER_LACKS_NOTHING,
    SENDER_LACKS_TLS,
    SENDER_LACKS_CERTIFICATE,   /* none, or one that does not verify: tls->verify */
    SENDER_LACKS_THE_RIGHT_ONE, /* it verifies, and is not one of those that are listed */
};

/* A name counts in a verified certificate only. A fingerprint counts where nothing but a CA is
 * missing, too. */
enum sender_lacks sender_lacks(const struct sender *rule, const struct sender_proof *proof);
