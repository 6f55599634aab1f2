/* SPDX-License-Identifier: Apache-2.0
 *
 * domain - what a recipient domain demands.
 *
 * Sections are `domain PATTERN`; see pattern.h.
 */
#pragma once

#include "base/option.h"
#include "base/span.h"
#include "rule/facts.h"
#include "rule/report.h"

#define DOMAIN_TLS_VERIFY "none ca name fingerprint"
enum domain_verify {
    DOMAIN_VERIFY_NONE,
    DOMAIN_VERIFY_CA,
    DOMAIN_VERIFY_NAME,
    DOMAIN_VERIFY_FINGERPRINT
};

#define DOMAIN_USE_DANE "off on required"
enum domain_dane { DOMAIN_DANE_OFF, DOMAIN_DANE_ON, DOMAIN_DANE_REQUIRED };

#define DOMAIN_OPTIONS(O, S)                                                                      \
    O(S, FLAG, use_starttls, "yes", ANY,                                                          \
      "Use STARTTLS where the remote server offers it. no: only where the domain publishes "      \
      "that it must be (use-dane, use-mta-sts).")                                                 \
    O(S, FLAG, require_starttls, "no", ANY,                                                       \
      "Never deliver without TLS: not offered 451 4.7.4, failed 451 4.7.5.")                      \
    O(S, WORD, use_dane, "on", WORDS(DOMAIN_USE_DANE),                                            \
      "Heed TLSA records (DANE): a server that has some must match them. required: a server "     \
      "without them will not do.")                                                                \
    O(S, FLAG, use_mta_sts, "yes", ANY, "Heed the domain's MTA-STS policy.")                      \
    O(S, TIME, starttls_memory, "0", RANGE(0, 31536000),                                          \
      "A domain that has shown TLS within this time must show it again; 0: nothing is "           \
      "remembered.")                                                                              \
    O(S, LIST, report_only, "", ANY,                                                              \
      "Demands that only record what they would refuse: require-starttls, smtp-tls-verify, "      \
      "starttls-memory.")                                                                         \
    O(S, CERTS, smtp_client_certificate, "", ANY,                                                 \
      "Our certificate, its chain and key, PEM, and the key's password: shown to servers that "   \
      "ask. A server that refuses it has broken the handshake: without require-starttls that "    \
      "leads to clear text.")                                                                     \
    O(S, FILE, smtp_tls_ca_file, "", ANY,                                                         \
      "CAs that the remote certificate must come from; the "                                      \
      "system's if empty.")                                                                       \
    O(S, WORD, smtp_tls_verify, "none", WORDS(DOMAIN_TLS_VERIFY),                                 \
      "What the remote certificate must prove: nothing, a chain to a CA, or the server's name "   \
      "too; or that it is one of smtp-tls-fingerprints, and no more than that.")                  \
    O(S, TEXT, smtp_tls_name, "", ANY,                                                            \
      "The name in the remote certificate, said as SNI, too; the server's own if empty.")         \
    O(S, LIST, smtp_tls_fingerprints, "", ANY,                                                    \
      "SHA-256 of certificates or of their keys: with smtp-tls-verify = fingerprint one of them " \
      "must be the remote one's.")                                                                \
    O(S, FLAG, smtp_implicit_tls, "no", ANY, "TLS from the first byte, and never without it.")    \
    O(S, FLAG, reuse_ssl_session, "yes", ANY, "Resume TLS sessions.")                             \
    O(S, TEXT, auth_username, "", ANY,                                                            \
      "Log in to the remote server with this name, by PLAIN or LOGIN and in TLS; where that "     \
      "cannot be, nothing is delivered there.")                                                   \
    O(S, TEXT, auth_password, "", ANY, "And with this password.")                                 \
    O(S, FLAG, use_unencrypted_plain_auth, "no", ANY,                                             \
      "Log in without TLS, too: whoever is on the way can then have the password.")               \
    O(S, WORD, smtp_tls_min_protocol, "TLSv1.2", WORDS(TLS_PROTOCOL_WORDS),                       \
      "The oldest protocol.")                                                                     \
    O(S, TEXT, smtp_tls_ciphers, "", ANY, "OpenSSL cipher list for TLS 1.2 and below.")           \
    O(S, FLAG, smtp_tls_offload, "no", ANY,                                                       \
      "Let the kernel encrypt what is sent to these servers, if it can; see "                     \
      "smtp-server-tls-offload.")                                                                 \
    O(S, TEXT, smtp_hosts, "", ANY,                                                               \
      "Servers in place of MX: ',' for the same preference, ';' for the next; [ip], host:port, "  \
      "lookup-mx:domain.")                                                                        \
    O(S, COUNT, default_smtp_port, "25", RANGE(1, 65535),                                         \
      "Port of the remote servers; 465 with smtp-implicit-tls where none is set.")                \
    O(S, FLAG, disable_mx_rollup, "no", ANY, "Take no notice of mx-rollup-list for this domain.") \
    O(S, TEXT, ehlo_name, "", ANY, "Our name in EHLO; host-name if empty.")                       \
    O(S, TEXT, source_address, "", ANY,                                                           \
      "Local address to connect from; one of each family, "                                       \
      "with a space between. Of a family without one the kernel chooses; that comes last.")       \
    O(S, FLAG, allow_private_destinations, "no", ANY,                                             \
      "Deliver to loopback and private addresses.")                                               \
    O(S, COUNT, max_smtp_out, "20", RANGE(1, 10000),                                              \
      "Connections of each worker to the domain at a time.")                                      \
    O(S, LIST, disable_acct_records, "", ANY,                                                     \
      "Types of records that no acct-file gets of mail to here: d, b, t, tq.")                    \
    O(S, TIME, route_deadline, "240s", RANGE(5, 280),                                             \
      "Time for DNS, connecting and handshakes together.")                                        \
    O(S, TIME, connect_timeout, "30s", RANGE(1, 240), "Time for one connection to come about.")   \
    O(S, TIME, smtp_greeting_timeout, "60s", RANGE(1, 300),                                       \
      "Time for greeting, EHLO and "                                                              \
      "STARTTLS, each.")                                                                          \
    O(S, TIME, data_send_timeout, "3m", RANGE(1, 3600), "Time without progress in a message.")    \
    O(S, TIME, smtp_data_termination_timeout, "540s", RANGE(1, 590),                              \
      "Time for the answer to the final dot.")                                                    \
    O(S, TIME, connection_idle_timeout, "30s", RANGE(0, 600),                                     \
      "How long a connection is kept for the next message; 0: not at all.")                       \
    O(S, COUNT, max_msg_per_connection, "1000", RANGE(0, 1000000),                                \
      "Messages over one connection; 0: no limit.")                                               \
    O(S, TIME, max_connection_age, "10m", RANGE(0, 86400),                                        \
      "How old a connection may be and be used again; 0: no limit.")

struct domain {
    OPTION_HEAD
    DOMAIN_OPTIONS(OPTION_FIELD, domain)
    unsigned reports; /* of a merged rule: bits 1 << DEMAND_REPORT_..., what report-only names. A
                         section that sets such a rule and has no report-only enforces it */
};
extern const struct option domain_options[];

/* Where the servers of this rule listen, unless their place in smtp-hosts says otherwise. */
uint16_t domain_port(const struct domain *rule);

struct domains;
struct macros;

/* As sources_new(), with $NAME in their titles; `macros` may be NULL. Also an error: use-starttls
 * no beside a demand for TLS, fingerprints that are to be compared with and are none. */
struct domains *domains_new(const struct domain *sections, size_t count,
                            const struct macros *macros, char *why, size_t size);

/* Is this section right by itself? False with one line in `why`. */
MUST bool domain_is_right(const struct domain *section, const struct macros *macros, char *why,
                          size_t size);
void domains_free(struct domains **d);

/* `name` without regard to case; "[192.0.2.1]" is a literal. head.title is the most specific
 * pattern that matched; "default" if none. It lives as long as `d`. */
const struct domain *domains_find(const struct domains *d, struct span name);

/* The sections that match, general before specific; at most `most` of them. For people. */
size_t domains_trail(const struct domain *sections, size_t count, const struct macros *macros,
                     struct span name, const struct domain **out, size_t most);

/* All rules that domains_find() may come to, for who makes something of each beforehand. */
size_t domains_count(const struct domains *d);
const struct domain *domains_at(const struct domains *d, size_t at);

/* Does any rule want TLSA records? That of domains that no section is for counts if there can be
 * such. */
bool domains_heed_dane(const struct domains *d);
