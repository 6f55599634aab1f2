/* SPDX-License-Identifier: Apache-2.0
 *
 * session - what a row of an accounting file says of a connection to a server, in the words of
 * RFC 8460. Pure.
 *
 * A connection that did not come about says nothing of TLS, and is none; but where DNSSEC made it
 * so, it failed. One in the clear has failed, also where no policy asked for more: the domain wants
 * to know. What our own rules only noted (report-only) is not the domain's concern. A policy that
 * could not be fetched is a failure, even where mail went on (RFC 8460, 4.3.2.2).
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

/* The columns that a row is made of. */
enum session_field {
#define FIELD(name) SESSION_##name,
#include "cli/tlsrpt/field.def"
#undef FIELD
    SESSION_reportDomain, /* header_TLS-Report-Domain */
    SESSION_FIELDS,
};
extern const char *const session_fields[SESSION_FIELDS];

/* What our own reports have for an ENVID, with more behind it: one that was not taken, and whose
 * header nobody saw, is known by it. */
#define SESSION_ENVID "tlsrpt."

enum session_is {
    SESSION_NONE,   /* nothing about TLS */
    SESSION_GOOD,   /* TLS as the policy wants it */
    SESSION_FAILED, /* `result` says how */
    SESSION_REPORT, /* it carried a report, or should have */
};

/* Borrowed from the row, or static. */
struct session {
    enum session_is is;
    bool is_attempt;    /* it came to nothing before there was a message */
    struct span domain; /* whom a report about it is for */
    struct span type;   /* of the policy: "tlsa", "sts" or "no-policy-found" */
    struct span text, policy_domain;
    struct span id;     /* of the connection; "" of a report for which there was none */
    struct span client; /* of the mail server's connection to us */
    struct span from, mx, to;
    struct span result, reason;
};

/* Of the day that begins at `begin`, in seconds since 1970. False: a row of another day or type,
 * or none; `*why` is then NULL, or what is wrong with it. */
MUST bool session_read(const struct span cell[SESSION_FIELDS], int64_t begin, struct session *out,
                       const char **why);
