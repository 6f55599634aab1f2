/* SPDX-License-Identifier: Apache-2.0
 *
 * report - rules that are not enforced but recorded: what report-only may name.
 *
 * Only rules about who may send mail are here. What keeps secrets off the wire
 * (require-starttls-before-auth, allow-unencrypted-plain-auth), limits, and what keeps two
 * servers from reading one message in two ways (smtp-bare-newline) are enforced always.
 *
 * To make a rule one of these: a row here, and source_objects() where it refuses; of what is
 * demanded of remote servers, decide().
 */
#pragma once

#include "base/span.h"

/* R(option of source, its name in the file) */
#define REPORT_RULES(R)                                       \
    R(require_starttls, "require-starttls")                   \
    R(require_auth, "require-auth")                           \
    R(smtp_service, "smtp-service")                           \
    R(verify_client_certificate, "verify-client-certificate") \
    R(client_certificate_fingerprints, "client-certificate-fingerprints")

enum report {
#define REPORT(option, name) REPORT_##option,
    REPORT_RULES(REPORT)
#undef REPORT
        REPORT_COUNT,
    /* Of a sender-domain section that says so itself; no source names it. */
    REPORT_sender_domain = REPORT_COUNT,
};

/* R(option of domain, its name in the file): never what a domain publishes (DANE, MTA-STS) */
#define DEMAND_REPORT_RULES(R)              \
    R(require_starttls, "require-starttls") \
    R(smtp_tls_verify, "smtp-tls-verify")   \
    R(starttls_memory, "starttls-memory")

enum demand_report {
#define REPORT(option, name) DEMAND_REPORT_##option,
    DEMAND_REPORT_RULES(REPORT)
#undef REPORT
        DEMAND_REPORT_COUNT,
};

/* Of one session: what would have been refused. */
struct reported {
    unsigned rules; /* bit 1 << REPORT_... */
    unsigned times;
};

/* "require-starttls", in any case. False: report-only may not name it. */
MUST bool report_read(struct span name, enum report *out);

MUST bool demand_report_read(struct span name, enum demand_report *out);

/* "require-starttls". */
const char *report_name(enum report rule);

/* Holds all the names of a set with its NUL. */
enum { REPORT_TEXT = 160 };

/* "require-starttls require-auth"; "" for none. `to` comes back. */
const char *report_text(unsigned rules, char to[REPORT_TEXT]);
const char *demand_report_text(unsigned rules, char to[REPORT_TEXT]);
