/* SPDX-License-Identifier: Apache-2.0
 *
 * wanted - what all accounting files together ask of those who make records, as far as it costs
 * something: header fields of messages, rows of connection attempts, long texts of policies.
 *
 * Made once, when the configuration is read. All zero: nothing is wanted. Pure.
 */
#pragma once

#include "base/option.h"
#include "tell/record.h"

struct wanted {
    struct span header[RECORD_HEADERS]; /* names, each once in whatever case; borrowed */
    size_t header_count;
    bool attempts; /* records of type tq */
    bool policy;   /* dlvTlsPolicyText or dlvTlsPolicyDomain */
};

/* jobId comes from here where no mapping says otherwise, as in PowerMTA. */
#define WANTED_JOB "X-Job"

/* A message with it is itself a report about TLS (RFC 8460, 5.3). */
#define WANTED_REPORT "TLS-Report-Domain"

/* Each adds what is new. False: RECORD_HEADERS are wanted already, and here is one more. */

/* One header field, whose name must live as long as `w`. What is no name is let be. */
MUST bool wanted_header(struct wanted *w, struct span name);

/* The record-fields of a type ("d"), which is written; its texts must live as long as `w`. */
MUST bool wanted_fields(struct wanted *w, struct span type, struct texts fields);

/* The map-header-to-field of an acct-file; likewise. */
MUST bool wanted_mappings(struct wanted *w, struct texts mappings);

/* What the daily reports about TLS need. */
MUST bool wanted_reports(struct wanted *w);
