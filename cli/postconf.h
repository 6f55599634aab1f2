/* SPDX-License-Identifier: Apache-2.0
 *
 * postconf - reads what Postfix's postconf(1) prints of the service on one port.
 */
#pragma once

#include "base/span.h"

struct postconf {
    bool has_service; /* master.cf has one on this port */
    bool short_ids;
    unsigned long smtpd_timeout; /* seconds; 0: not known */
    unsigned long
        content_timeout; /* the most that milters may take for a message; 0: there are none */
    unsigned long filter_timeout; /* likewise smtpd_proxy_filter */
};

/* All of it after each other: `postconf -M` (the services), `postconf -x NAME...` of postconf_names
 * and `postconf -xP` (what services have of their own, "SERVICE/inet/NAME = VALUE"). Lines that are
 * something else are not looked at. */
void postconf_read(struct postconf *p, struct span text, unsigned port);

extern const char *const postconf_names[]; /* ends with NULL */
