/* SPDX-License-Identifier: Apache-2.0
 *
 * daily - what was counted of a domain as JSON (RFC 8460, 4.4), and what such a report is called.
 * Pure.
 */
#pragma once

#include "base/buf.h"
#include "cli/tlsrpt/census.h"

/* Who reports about which day. Borrowed. */
struct reporter {
    const char *organization, *contact;
    const char *submitter; /* a domain: that of the mails' sender */
    int64_t begin;         /* of the day, in seconds since 1970 */
};

enum { DAILY_NAME = 700 };

/* The same each time that it is made: "2026-11-21.example.com@example.net". */
const char *daily_id(const struct reporter *by, const char *domain, char to[DAILY_NAME]);

/* "example.net!example.com!1795219200!1795305599!001.json.gz" (5.1). */
const char *daily_filename(const struct reporter *by, const char *domain, char to[DAILY_NAME]);

/* False: no memory, or it does not fit. */
MUST bool daily_json(struct buf *to, const struct reporter *by, const struct domain_count *d);

/* Of all policies together. */
uint64_t daily_good(const struct domain_count *d);
uint64_t daily_failed(const struct domain_count *d);
