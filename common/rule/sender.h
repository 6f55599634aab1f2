/* SPDX-License-Identifier: Apache-2.0
 *
 * sender - what mail must show to come from a domain: pure.
 *
 * Sections are `sender-domain PATTERN`, with the patterns and the merge of `domain`.
 */
#pragma once

#include "base/option.h"

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
