/* SPDX-License-Identifier: Apache-2.0
 *
 * source - what a client address is allowed.
 *
 * All sections whose network holds the client merge, the most specific one that sets a
 * directive winning for that directive; a named one, where a listener refers to it, overrides
 * (PowerMTA's rules). Between the two lies `{auth}`, once a session has logged in: over the
 * networks, under the named one. The merging is done once, when the rules are built: to look a
 * client up costs the same with ten networks and with ten thousand.
 *
 * report-only merges like the others, and stands for the rules that its section means: one that
 * sets a rule anew and does not name it in a report-only of its own enforces it.
 */
#pragma once

#include "base/addr.h"
#include "base/option.h"
#include "rule/rate.h"
#include "rule/report.h"

enum source_verify { SOURCE_VERIFY_NONE, SOURCE_VERIFY_OPTIONAL, SOURCE_VERIFY_REQUIRED };

#define SOURCE_OPTIONS(O, S)                                                                       \
    O(S, FLAG, allow_starttls, "no", ANY, "Offer and accept STARTTLS.")                            \
    O(S, FLAG, require_starttls, "no", ANY,                                                        \
      "Before TLS take only EHLO, HELO, STARTTLS, NOOP and QUIT; refuse the rest with 530 5.7.0 "  \
      "(RFC 3207).")                                                                               \
    O(S, FLAG, require_starttls_before_auth, "no", ANY,                                            \
      "Hide AUTH before TLS and refuse it with 530 5.7.0; credentials never reach the mail "       \
      "server.")                                                                                   \
    O(S, FLAG, allow_unencrypted_plain_auth, "no", ANY,                                            \
      "Before TLS let mechanisms pass that show the secret, such as PLAIN and LOGIN; else they "   \
      "are refused with 538 5.7.11.")                                                              \
    O(S, FLAG, allow_auth, "yes", ANY, "Offer AUTH at all.")                                       \
    O(S, FLAG, require_auth, "no", ANY, "Refuse MAIL before AUTH with 530 5.7.0.")                 \
    O(S, FLAG, smtp_service, "yes", ANY, "no: greet with 521 and take no mail.")                   \
    O(S, WORD, verify_client_certificate, "none", WORDS("none optional required"),                 \
      "Ask for a client certificate and check it against tls-ca-file; required: refuse MAIL "      \
      "without a good one with 530 5.7.0.")                                                        \
    O(S, LIST, client_certificate_fingerprints, "", ANY,                                           \
      "SHA-256, in hex, of the certificates or of the public keys that are taken; any if empty.")  \
    O(S, LIST, report_only, "", ANY,                                                               \
      "Rules that are not enforced but recorded, by name: require-starttls, require-auth, "        \
      "smtp-service, verify-client-certificate, client-certificate-fingerprints.")                 \
    O(S, COUNT, max_connections_per_client, "0", RANGE(0, 1000000),                                \
      "Sessions of one address (of IPv6: one /64) at a time, then 421 4.7.0; 0: no limit.")        \
    O(S, TEXT, smtp_max_auth_failure_rate, "unlimited", ANY,                                       \
      "Failed AUTH of one address (of IPv6: one /64), such as 10/h or 3/5m, counted from the "     \
      "first; then 421 4.7.0 until that time is over, to AUTH and as greeting.")                   \
    O(S, SIZE, max_message_size, "unlimited", ANY, "Bytes of a message, then 552 5.3.4.")          \
    O(S, WORD, smtp_bare_newline, "reject", WORDS("reject normalize"),                             \
      "A bare CR or LF, or a NUL, in a message: refuse it with 550 5.6.11, or put a space there.") \
    O(S, FLAG, add_received_header, "no", ANY,                                                     \
      "Put a Received line with the client and its TLS before the message.")                       \
    O(S, TIME, smtp_command_timeout, "5m", RANGE(1, 3600), "Time for the client's next command.")  \
    O(S, TIME, smtp_data_timeout, "10m", RANGE(1, 7200),                                           \
      "Time without progress in a message; below 256 bytes a second it runs on.")

struct source {
    OPTION_HEAD
    SOURCE_OPTIONS(OPTION_FIELD, source)
    unsigned reports;          /* what report-only comes to: bits 1 << REPORT_... */
    struct rate auth_failures; /* smtp-max-auth-failure-rate, read */
};
extern const struct option source_options[];

struct sources;

enum { SOURCE_NAME_MAX = 63 }; /* the session table has room for */

/* `sections` (with defaults in what they do not set) stay the caller's and must live as long.
 * NULL with one line in `why`: file, line, a title that is neither a network nor a name, one
 * that is there twice, what report-only may not name, what is no
 * rate, or what comes too late in {auth}. */
struct sources *sources_new(const struct source *sections, size_t count, char *why, size_t size);
void sources_free(struct sources **s);

/* Is there a section with this name (not a network)? */
bool sources_has_name(const struct sources *s, const char *name);

/* What `client` is allowed, with the named section (NULL or "": none) over it. Its
 * head.title is the section that decided most specifically; "default" if none matched. */
void sources_find(const struct sources *s, const struct addr *client, const char *name,
                  struct source *out);

/* The same once that session has logged in: `{auth}` has its say. What is decided before that
 * (who is served, TLS, AUTH, connections) stays as it was. */
void sources_find_auth(const struct sources *s, const struct addr *client, const char *name,
                       struct source *out);

/* Is it `source {auth}`? */
bool source_is_auth(const struct source *section);

/* The section of these that decides on row `row` of source_options for a client: as
 * sources_find(), or with `logged_in` as sources_find_auth(). NULL: none, it has its default. */
const struct source *source_decider(const struct source *sections, size_t count,
                                    const struct addr *client, const char *name, bool logged_in,
                                    size_t row);

/* All rules that sources_find() may come to for a listener that names `name`. */
size_t sources_count(const struct sources *s);
void sources_at(const struct sources *s, size_t at, const char *name, struct source *out);

/* The client breaks `rule`. True: refuse it. False: it is reported only, and is noted. */
MUST bool source_objects(const struct source *s, enum report rule, struct reported *noted);
