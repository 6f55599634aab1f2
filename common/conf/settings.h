/* SPDX-License-Identifier: Apache-2.0
 *
 * settings - the whole configuration, as one snapshot that nobody changes.
 *
 * One file for all programs. Reading it is all or nothing.
 */
#pragma once

#include "acct/wanted.h"
#include "base/option.h"
#include "rule/domain.h"
#include "rule/facts.h"
#include "rule/macro.h"
#include "rule/rollup.h"
#include "rule/sender.h"
#include "rule/source.h"
#include "tell/log.h"

#define GLOBAL_OPTIONS(O, S)                                                                       \
    O(S, TEXT, host_name, "", ANY, "Our name in greetings and EHLO; the machine's if empty.")      \
    O(S, CERTS, smtp_server_tls_certificate, "", ANY,                                              \
      "Certificate chain and key in one PEM file, and the key's password. Said again, it adds "    \
      "one: by name (SNI) or key type.")                                                           \
    O(S, FILE, smtp_server_tls_ca_file, "", ANY, "CAs that client certificates come from.")        \
    O(S, TEXT, smtp_server_tls_ciphers, "", ANY, "OpenSSL cipher list for TLS 1.2 and below.")     \
    O(S, WORD, smtp_server_tls_min_protocol, "TLSv1.2", WORDS(TLS_PROTOCOL_WORDS),                 \
      "The oldest protocol for clients.")                                                          \
    O(S, TEXT, smtp_server_tls_ciphersuites, "", ANY, "OpenSSL cipher suites for TLS 1.3.")        \
    O(S, TEXT, smtp_server_tls_groups, "", ANY,                                                    \
      "Groups for the key exchange, the preferred first, such as X25519:P-256.")                   \
    O(S, FILE, smtp_server_tls_crl_file, "", ANY,                                                  \
      "Revocation lists of these CAs; they may as well stand in the CA file.")                     \
    O(S, COUNT, smtp_server_tls_verify_depth, "10", RANGE(0, 100),                                 \
      "The most CAs between a client's certificate and one of ours.")                              \
    O(S, FILES, smtp_server_tls_ocsp_file, "", ANY,                                                \
      "OCSP responses (DER) to staple, each to the certificate that it is about.")                 \
    O(S, FLAG, smtp_server_tls_offload, "no", ANY,                                                 \
      "Let the kernel encrypt what clients are sent (kTLS). It cannot take new keys: a client "    \
      "that asks for some is cut off. Where kernel, OpenSSL or cipher lack it, OpenSSL does it, "  \
      "as without this; a kernel that lacks it is logged (no-ktls), and asked once: at the start " \
      "or at the reload that turns this on.")                                                      \
    O(S, COUNT, total_max_smtp_in, "0", RANGE(0, 10000000),                                        \
      "Sessions of all workers at a time; 0: as many as max-sessions lets.")                       \
    O(S, FLAG, smtp_await_slot, "no", ANY,                                                         \
      "When all sessions are taken, let clients wait for one; no: greet them with 421.")           \
    O(S, TIME, tls_handshake_timeout, "30s", RANGE(1, 600), "Time for a handshake.")               \
    O(S, COUNT, workers, "0", RANGE(0, 256), "Worker processes; 0: one for each processor.")       \
    O(S, COUNT, max_sessions, "10000", RANGE(1, 1000000),                                          \
      "Sessions of one worker at a time; fewer where the limit of open files is below two for "    \
      "each.")                                                                                     \
    O(S, TIME, drain_timeout, "10m", RANGE(0, 86400),                                              \
      "How long old sessions may go on after a reload or a stop.")                                 \
    O(S, TEXT, user, "", ANY, "User that workers become, when started as root; empty: stay.")      \
    O(S, TEXT, group, "", ANY, "Group that workers become; the user's own if empty.")              \
    O(S, PATH, run_directory, "/run/sallyport", ANY, "Pid files, sockets and the session table.")  \
    O(S, PATH, state_directory, "/var/lib/sallyport", ANY, "What outlives a restart.")             \
    O(S, PATH, spool_directory, "/var/spool/sallyport", ANY, "Records on their way to the CSV.")   \
    O(S, TIME, sync_interval, "5s", RANGE(1, 3600),                                                \
      "With sync = interval or reply: how often all records are synced to the disk.")              \
    O(S, FLAG, tls_reports, "no", ANY,                                                             \
      "Keep what sallyport tlsrpt makes the daily reports of (TLSRPT, RFC 8460).")                 \
    O(S, TEXT, tls_report_organization, "", ANY, "Our name in these reports; host-name if empty.") \
    O(S, TEXT, tls_report_contact, "", ANY,                                                        \
      "Whom their readers may ask, such as tls@example.com.")                                      \
    O(S, TEXT, tls_report_from, "", ANY,                                                           \
      "Sender of the reports that go by mail; tls-report-contact if empty.")                       \
    O(S, TEXT, tls_report_server, "127.0.0.1:25", ANY, "Mail server that takes the reports.")      \
    O(S, WORD, log_to, "stderr", WORDS(LOG_TO_WORDS), "Where log lines go.")                       \
    O(S, WORD, log_level, "info", WORDS(LOG_LEVEL_WORDS), "How much is logged.")                   \
    O(S, LIST, name_server, "", ANY,                                                               \
      "Resolvers to ask, as ADDRESS or ADDRESS@PORT; empty: resolve from the root. With "          \
      "trust-anchor-file they must hand DNSSEC signatures on.")                                    \
    O(S, FILE, trust_anchor_file, "", ANY,                                                         \
      "Trust anchors of DNSSEC, such as Debian's /usr/share/dns/root.key (package "                \
      "dns-root-data). Empty: nothing is validated, and there is no DANE.")                        \
    O(S, TIME, mta_sts_timeout, "30s", RANGE(1, 60), "Time for fetching an MTA-STS policy.")       \
    O(S, FILE, mta_sts_ca_file, "", ANY,                                                           \
      "CAs of the servers that MTA-STS policies come from; the system's if empty.")                \
    O(S, COUNT, mta_sts_port, "443", RANGE(1, 65535), "Port of these servers (for tests).")        \
    O(S, FLAG, mta_sts_allow_private, "no", ANY,                                                   \
      "Fetch policies from loopback and private addresses, too (for tests).")                      \
    O(S, TIME, duplicate_memory, "24h", RANGE(0, 604800),                                          \
      "How long the outcome of a message is remembered whose answer the mail server was not seen " \
      "to hear; 0: not at all.")                                                                   \
    O(S, NETS, local_addresses, "", ANY,                                                           \
      "Addresses that are ourselves, besides those of this machine, for finding loops.")

#define LISTENER_OPTIONS(O, S)                                                                 \
    O(S, FLAG, tls, "no", ANY, "TLS from the first byte, as on port 465.")                     \
    O(S, TEXT, source, "", ANY, "A named source section that overrides the client's network.") \
    O(S, TEXT, backend, "", ANY, "The backend section; may be left out if there is but one.")  \
    O(S, CERTS, tls_certificate, "", ANY, "In place of smtp-server-tls-certificate.")          \
    O(S, FILE, tls_ca_file, "", ANY, "In place of smtp-server-tls-ca-file.")                   \
    O(S, TEXT, tls_ciphers, "", ANY, "In place of smtp-server-tls-ciphers.")                   \
    O(S, WORD, tls_min_protocol, "TLSv1.2", WORDS(TLS_PROTOCOL_WORDS),                         \
      "In place of smtp-server-tls-min-protocol.")                                             \
    O(S, TEXT, tls_ciphersuites, "", ANY, "In place of smtp-server-tls-ciphersuites.")         \
    O(S, TEXT, tls_groups, "", ANY, "In place of smtp-server-tls-groups.")                     \
    O(S, FILE, tls_crl_file, "", ANY, "In place of smtp-server-tls-crl-file.")                 \
    O(S, COUNT, tls_verify_depth, "10", RANGE(0, 100),                                         \
      "In place of smtp-server-tls-verify-depth.")                                             \
    O(S, FILES, tls_ocsp_file, "", ANY, "In place of smtp-server-tls-ocsp-file.")              \
    O(S, FLAG, tls_offload, "no", ANY, "In place of smtp-server-tls-offload.")                 \
    O(S, COUNT, max_smtp_in, "0", RANGE(0, 10000000),                                          \
      "Sessions of all workers at a time that come in here; 0: no limit of its own.")          \
    O(S, FLAG, await_slot, "no", ANY, "In place of smtp-await-slot.")                          \
    O(S, NETS, proxy_protocol_from, "", ANY,                                                   \
      "Load balancers: their connections begin with a PROXY header (version 1 or 2), which "   \
      "says who the client is. From all others that is garbage.")

enum identity {
    IDENTITY_PROXY_V2,
    IDENTITY_PROXY_V1,
    IDENTITY_XCLIENT,
    IDENTITY_NONE,
    IDENTITY_TRANSPARENT
};

enum connect_at { CONNECT_AT_EHLO, CONNECT_AT_MAIL };
enum mail_at { MAIL_AT_MAIL, MAIL_AT_RCPT };
enum balance { BALANCE_ORDER, BALANCE_LEAST_CONNECTIONS };
enum backend_tls { BACKEND_TLS_NO, BACKEND_TLS_STARTTLS, BACKEND_TLS_IMMEDIATE };
enum backend_verify { BACKEND_VERIFY_NONE, BACKEND_VERIFY_CA, BACKEND_VERIFY_NAME };

#define BACKEND_OPTIONS(O, S)                                                                     \
    O(S, LIST, server, "127.0.0.1:10025", ANY,                                                    \
      "Where the mail server listens: ADDRESS:PORT, [IPV6]:PORT or unix:/PATH; several in { }.")  \
    O(S, WORD, balance, "order", WORDS("order least-connections"),                                \
      "Of several servers take the first that is alive, or the one with the fewest sessions (of " \
      "this worker).")                                                                            \
    O(S, WORD, identity, "proxy-v2", WORDS("proxy-v2 proxy-v1 xclient none transparent"),         \
      "How the mail server learns the client's address.")                                         \
    O(S, TEXT, backend_source, "", ANY, "Local address to connect from.")                         \
    O(S, WORD, connect_at, "mail", WORDS("ehlo mail"),                                            \
      "Whether EHLO calls the mail server where the client cannot begin TLS any more: ehlo, "     \
      "always; mail, not if the client may not log in and another one heard within 10 seconds "   \
      "what is offered, and all hear the same. Then EHLO is answered from that, and the first "   \
      "command that only a mail server can answer (MAIL) calls it.")                              \
    O(S, WORD, mail_at, "rcpt", WORDS("mail rcpt"),                                               \
      "When the mail server hears MAIL: mail, at once; rcpt, together with the first RCPT, "      \
      "if the client waits for its answer, has nothing to log in for and the mail server "        \
      "has PIPELINING. Then we answer 250, and what the mail server objects is the answer "       \
      "to RCPT.")                                                                                 \
    O(S, TIME, connect_timeout, "10s", RANGE(1, 300), "Time for the connection to come about.")   \
    O(S, TIME, greeting_timeout, "30s", RANGE(1, 600),                                            \
      "Time for greeting, TLS and EHLO where there is another server, or this one was dead.")     \
    O(S, TIME, reply_timeout, "5m", RANGE(1, 3600),                                               \
      "Time for an answer of the mail server; for what becomes of a message, twice that.")        \
    O(S, TIME, rest_time, "10s", RANGE(1, 3600),                                                  \
      "How long a dead one of several servers rests before it is tried by a connection of our "   \
      "own; twice as long after each time in vain, up to five minutes.")                          \
    O(S, TIME, check_interval, "5m", RANGE(0, 86400),                                             \
      "A server that no session went to for so long is called by ourselves: is it alive, and "    \
      "what does it offer? So it is at the start. 0: not by itself.")                             \
    O(S, WORD, use_tls, "no", WORDS("no starttls immediate"),                                     \
      "TLS to the mail server: by STARTTLS, or from the first byte. Without it nothing is said. " \
      "The header of identity proxy-v1 or proxy-v2 goes before it, in the clear.")                \
    O(S, WORD, tls_verify, "name", WORDS("none ca name"),                                         \
      "What the mail server's certificate must prove: nothing, that a CA of tls-ca-file made "    \
      "it, or that it did so for tls-name.")                                                      \
    O(S, TEXT, tls_name, "", ANY, "The name in the mail server's certificate, said as SNI, too.") \
    O(S, FILE, tls_ca_file, "", ANY, "CAs of the mail server; the system's if empty.")            \
    O(S, WORD, tls_min_protocol, "TLSv1.2", WORDS(TLS_PROTOCOL_WORDS),                            \
      "The oldest protocol to the mail server.")                                                  \
    O(S, CERTS, tls_certificate, "", ANY, "Our certificate for a mail server that asks for one.")

enum hand_over {
    HAND_OVER_SMARTHOST,
    HAND_OVER_TRANSPORT_MAP,
    HAND_OVER_ORIGINAL_DESTINATION,
    HAND_OVER_PROXY_HEADER
};
enum relay_protocol { RELAY_SMTP, RELAY_LMTP };

#define RELAY_LISTENER_OPTIONS(O, S)                                                              \
    O(S, WORD, hand_over, "smarthost",                                                            \
      WORDS("smarthost transport-map original-destination proxy-header"),                         \
      "How the mail server hands mail over.")                                                     \
    O(S, WORD, protocol, "smtp", WORDS("smtp lmtp"),                                              \
      "What it speaks. lmtp: several domains in one transaction, an answer for each recipient.")  \
    O(S, FLAG, transparent, "no", ANY,                                                            \
      "With original-destination: connections come by TPROXY, not by REDIRECT.")                  \
    O(S, LIST, queue_id, "{xforward, envid, received}", ANY,                                      \
      "Where the mail server says its queue id before the first recipient, so that no client "    \
      "can: xforward, envid (set by sallyport-milter), auth (AUTH= of Exim). received: for "      \
      "accounting only, where none of those has it, the id in the topmost Received field, if "    \
      "that was written by the host that hands over; not for a mail server that takes its own "   \
      "Received fields away, for then the topmost is a stranger's.")                              \
    O(S, NETS, allow, "{127.0.0.0/8, ::1}", ANY, "Who may hand over.")                            \
    O(S, TEXT, socket_mode, "0660", ANY, "With unix:/path: who may connect, as for chmod.")       \
    O(S, TEXT, socket_group, "", ANY,                                                             \
      "With unix:/path: the group of the socket, such as the mail server's; empty: that of "      \
      "workers.")                                                                                 \
    O(S, TEXT, map, "", ANY,                                                                      \
      "With transport-map: where the mail server asks for transports by socketmap, ADDRESS:PORT " \
      "or unix:/path.")                                                                           \
    O(S, LIST, local_domains, "", ANY,                                                            \
      "With transport-map: domains that the mail server delivers itself.")

#define MILTER_LISTENER_OPTIONS(O, S)                                                              \
    O(S, FLAG, behind_proxy, "no", ANY,                                                            \
      "The mail server's clients come through sallyport-in: take TLS facts from its table.")       \
    O(S, FLAG, set_envid, "no", ANY,                                                               \
      "Put the queue id into ENVID, for sallyport-out; where the mail server says it by XFORWARD " \
      "or AUTH, there is no need.")

enum acct_sync { ACCT_SYNC_NONE, ACCT_SYNC_INTERVAL, ACCT_SYNC_REPLY };
enum acct_format { ACCT_CSV, ACCT_JSON };

#define ACCT_FILE_OPTIONS(O, S)                                                                    \
    O(S, LIST, records, "{d, b}", ANY, "Types to write: d, b, t, tq, r, or their long names.")     \
    O(S, WORD, format, "csv", WORDS("csv json"),                                                   \
      "json: a JSON object a line, with the fields of its type; all values are texts, and \"\" "   \
      "where there is none.")                                                                      \
    O(S, FLAG, iso_times, "yes", ANY, "no: times are seconds since 1970.")                         \
    O(S, TEXT, user_string, "", ANY, "Value of the field userString.")                             \
    O(S, LIST, map_header_to_field, "", ANY,                                                       \
      "Header fields that stand in for a column, each as \"TYPE header_NAME COLUMN\", such as "    \
      "\"d header_X-Campaign jobId\"; the first of them that a message has wins. Columns may be "  \
      "orcpt, vmta, jobId, envId, vmtaPool and userString. jobId is header_X-Job by itself.")      \
    O(S, LIST, queue_filter, "", ANY,                                                              \
      "Only records of these queues, as DOMAIN/VMTA with * for any; !DOMAIN/VMTA are not. The "    \
      "first that matches counts, and what none matches is not written. It concerns d, b, t and "  \
      "tq.")                                                                                       \
    O(S, LIST, privacy_policy, "retain", ANY,                                                      \
      "What becomes of the local parts of recipients, in rcpt and orcpt and where "                \
      "replies, senders, envId, jobId and header fields repeat them: retain, redact, "             \
      "{redact, TEXT}, {siphash, KEY} with a key of 16 bytes, {siphash-hexkey, HEX}, "             \
      "{hmac-sha256, KEY} with 16 bytes or more, or {hmac-sha256-hexkey, HEX}. "                   \
      "Pseudonyms are 16 hex digits of SipHash-2-4 or 64 of HMAC-SHA-256, of the local "           \
      "part in small letters: who has the key finds names by trying. Names that header "           \
      "fields hold beside addresses stay, and so do other recipients that header_To shows.")       \
    O(S, FLAG, csv_guard, "no", ANY,                                                               \
      "Put a ' before cells that a spreadsheet would take for a formula: those that begin with = " \
      "+ - or @, also behind a semicolon.")                                                        \
    O(S, FLAG, world_readable, "no", ANY, "Mode 0644 instead of 0640.")                            \
    O(S, WORD, sync, "none", WORDS("none interval reply"),                                         \
      "What survives the loss of power: with interval what was recorded sync-interval ago, with "  \
      "reply also all that the mail server was told. Of several files the strictest counts for "   \
      "all.")                                                                                      \
    O(S, PATH, move_to, "", ANY,                                                                   \
      "Folder, on the same file system, that files are moved to when they are full or old, as "    \
      "NAME-YYYY-MM-DD-NNNN.csv (the day when they were begun, UTC); empty: full ones stay "       \
      "beside, under such a name.")                                                                \
    O(S, TIME, move_interval, "1d", RANGE(60, 31536000), "With move-to: how old a file becomes.")  \
    O(S, SIZE, max_size, "250m", RANGE(1048576, 1099511627776),                                    \
      "How big a file becomes. With |PROGRAM: how much waits for it, on the disk; beyond that "    \
      "the "                                                                                       \
      "oldest rows are dropped, and logged.")                                                      \
    O(S, TIME, delete_after, "8d", RANGE_OR("never", 3600, 315360000),                             \
      "Without move-to: how long finished files are kept after their last record; never: for "     \
      "ever. After a step of the clock, and in the first day, nothing is removed for a day.")      \
    O(S, FLAG, count_moved_records, "no", ANY,                                                     \
      "Log how many records a file has when it is finished.")                                      \
    O(S, TIME, retry_interval, "5m", RANGE(1, 86400),                                              \
      "With |PROGRAM: how long to wait before it is started again.")                               \
    O(S, TIME, write_timeout, "1m", RANGE(1, 3600),                                                \
      "With |PROGRAM: how long it may take to read what it is given.")

/* Inside of acct-file: record-fields TYPE { fields = {...} } */
#define RECORD_FIELDS_OPTIONS(O, S) \
    O(S, LIST, fields, "{*}", ANY, "Columns in order; * is the standard ones, !name leaves out.")

/* Inside of bounce-category-patterns: /REGEX/ CATEGORY */
#define PATTERN_OPTIONS(O, S) O(S, LIST, category, "", ANY, "The category.")

struct global {
    OPTION_HEAD
    GLOBAL_OPTIONS(OPTION_FIELD, global)
};
struct smtp_listener {
    OPTION_HEAD
    LISTENER_OPTIONS(OPTION_FIELD, smtp_listener) /* tls_ ones not set are the global ones */
    struct addr at;                               /* from the title */
};
/* One of a backend's servers. */
struct backend_server {
    const char *text; /* as the file has it */
    struct addr at;   /* zero where there is a path */
    const char *path; /* of a unix socket; NULL: it is ADDRESS:PORT */
};
enum { BACKEND_SERVERS = 64 }; /* at most */

struct backend {
    OPTION_HEAD
    BACKEND_OPTIONS(OPTION_FIELD, backend)
    const struct backend_server *servers; /* server.count of them, at least one */
    struct addr from;                     /* of backend_source; its ip is zero where none */
    bool has_from;
};
struct relay_listener {
    OPTION_HEAD
    RELAY_LISTENER_OPTIONS(OPTION_FIELD, relay_listener)
    struct addr at, map_at;
    /* Of unix sockets, then `at` or `map_at` is nothing; NULL: none. */
    const char *path, *map_path;
    unsigned mode, gid; /* of those; -1: no group is named */
};
struct rollup_list {
    OPTION_HEAD /* what it holds is settings.rollups */
};
struct milter_listener {
    OPTION_HEAD /* the title is libmilter's: unix:/path or inet:port@host */
    MILTER_LISTENER_OPTIONS(OPTION_FIELD, milter_listener)
};
struct record_fields {
    OPTION_HEAD /* the title is "d", "b", "t", "tq" or "r" */
    RECORD_FIELDS_OPTIONS(OPTION_FIELD, record_fields)
};
struct acct_file {
    OPTION_HEAD                                    /* the title is the whole path */
        ACCT_FILE_OPTIONS(OPTION_FIELD, acct_file) /* records: as "d", "b", "t", "tq", "r" */
        const struct record_fields *record_fields;
    size_t record_fields_count;
    bool is_ours; /* no section: what tls-reports keeps; it is finished daily, without move-to */
};

struct pattern_list {
    OPTION_HEAD /* what it holds is settings.bounce_patterns */
};
struct bounce_pattern {
    OPTION_HEAD /* the title is the regex */
    PATTERN_OPTIONS(OPTION_FIELD, bounce_pattern)
};

/* All pointers are the snapshot's own. */
struct settings {
    struct global global;
    const struct smtp_listener *smtp_listeners;
    const struct backend *backends;
    const struct relay_listener *relay_listeners;
    const struct milter_listener *milter_listeners;
    const struct acct_file *acct_files; /* the one that is_ours comes last */
    const struct bounce_pattern *bounce_patterns;
    const struct source *source_sections;
    const struct sender *sender_sections;
    const struct domain *domain_sections;
    const struct macro *macro_sections;
    struct rollups rollups;
    size_t smtp_listener_count, backend_count, relay_listener_count, milter_listener_count,
        acct_file_count, bounce_pattern_count, source_section_count, sender_section_count,
        domain_section_count, macro_section_count;
    struct sources *sources;
    struct senders *senders; /* NULL: there is no section */
    struct macros *macros;
    struct domains *domains;
    char host_name[256];  /* host-name, or the machine's */
    struct wanted wanted; /* of records, by all acct_files and tls-reports */
};

/* NULL, and then in `why` one line for each section with a mistake (its first): file, line,
 * name, and what would be right. */
struct settings *settings_read(const char *path, char *why, size_t size);

/* The same of a text, as if it stood in the file `path`. */
struct settings *settings_read_text(struct span text, const char *path, char *why, size_t size);

void settings_free(struct settings **s);

/* For one more owner, who calls settings_free() too. */
struct settings *settings_share(struct settings *s);

/* The listener's backend: the named one, or the only one (without any section there is one with
 * all defaults). Never NULL. */
const struct backend *settings_backend(const struct settings *s, const struct smtp_listener *l);

/* The strictest `sync` of all acct-file sections, which counts for all who write records. */
enum acct_sync settings_sync(const struct settings *s);

/* Is there any acct-file section? What tls-reports keeps is none, and not about mail that comes in.
 */
bool settings_has_accounts(const struct settings *s);

/* How many workers: as many as processors where the file does not say. */
unsigned settings_workers(const struct settings *s);

/* "ADDRESS:PORT" or "unix:/PATH"; `text` must live as long. False: neither. */
MUST bool backend_server_read(const char *text, struct backend_server *out);

/* The sample file, and the option lists of the manual (mdoc), to standard output. */
void settings_print_sample(void);
void settings_print_manual(void);
