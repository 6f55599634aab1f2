/* SPDX-License-Identifier: Apache-2.0
 *
 * send - a report to one of the places where it is wanted: by mail through tls-report-server, or by
 * HTTPS.
 */
#pragma once

#include "cli/tlsrpt/daily.h"
#include "cli/tlsrpt/rua.h"
#include "conf/settings.h"
#include "dns/resolve.h"

struct event_base;

/* How it is sent: once for all reports. Borrowed. */
struct sender_of {
    const struct settings *settings;
    const struct reporter *by;
    const char *from; /* "": no mail */
    struct event_base *base;
    struct resolve *resolve;
};

/* What is sent. */
struct sending {
    const char *domain;
    struct span packed;
    uint64_t good, failed;
};

/* False with a few words in `why`. */
MUST bool send_report(const struct sender_of *s, const struct sending *what, const struct rua *to,
                      char *why, size_t size);
