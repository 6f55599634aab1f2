/* SPDX-License-Identifier: Apache-2.0
 *
 * source - what a client address is allowed.
 *
 * All sections whose network holds the client merge, the most specific one that sets a
 * directive winning for that directive; a named one, where a listener refers to it, overrides
 * (PowerMTA's rules). The merging is done once, when the rules are built: to look a client up
 * costs the same with ten networks and with ten thousand.
 */
#pragma once

#include "base/addr.h"
#include "base/option.h"

#define SOURCE_OPTIONS(O, S)                                                                      \
    O(S, FLAG, allow_starttls, "no", ANY, "Offer and accept STARTTLS.")                           \
    O(S, FLAG, require_starttls, "no", ANY,                                                       \
      "Before TLS take only EHLO, HELO, STARTTLS, NOOP and QUIT; refuse the rest with 530 5.7.0 " \
      "(RFC 3207).")                                                                              \
    O(S, FLAG, require_starttls_before_auth, "no", ANY,                                           \
      "Hide AUTH before TLS and refuse it with 530 5.7.0; credentials never reach the mail "      \
      "server.")                                                                                  \
    O(S, FLAG, allow_unencrypted_plain_auth, "no", ANY,                                           \
      "Before TLS let mechanisms pass that show the secret, such as PLAIN and LOGIN; else they "  \
      "are refused with 538 5.7.11.")                                                             \
    O(S, FLAG, allow_auth, "yes", ANY, "Offer AUTH at all.")                                      \
    O(S, FLAG, require_auth, "no", ANY, "Refuse MAIL before AUTH with 530 5.7.0.")                \
    O(S, FLAG, smtp_service, "yes", ANY, "no: greet with 521 and take no mail.")                  \
    O(S, TIME, smtp_command_timeout, "5m", RANGE(1, 3600), "Time for the client's next command.") \
    O(S, TIME, smtp_data_timeout, "10m", RANGE(1, 7200), "Time without progress in a message.")

struct source {
    OPTION_HEAD
    SOURCE_OPTIONS(OPTION_FIELD, source)
};
extern const struct option source_options[];

struct sources;

/* `sections` (with defaults in what they do not set) stay the caller's and must live as long.
 * NULL with one line in `why`: file, line, a title that is neither a network nor a name, or
 * one that is there twice. */
struct sources *sources_new(const struct source *sections, size_t count, char *why, size_t size);
void sources_free(struct sources **s);

/* Is there a section with this name (not a network)? */
bool sources_has_name(const struct sources *s, const char *name);

/* What `client` is allowed, with the named section (NULL or "": none) over it. Its
 * head.title is the section that decided most specifically; "default" if none matched. */
void sources_find(const struct sources *s, const struct addr *client, const char *name,
                  struct source *out);
