/* SPDX-License-Identifier: Apache-2.0
 *
 * upload - a report by HTTPS POST (RFC 8460, 5.4), and waits.
 *
 * Who the server is need not be proved: the domain's owner named it in DNS, and a report may tell
 * of just that certificate (RFC 8460, 3). Never to loopback and private addresses, which a
 * stranger's record must not make us call, and no redirects.
 */
#pragma once

#include "dns/resolve.h"

struct upload {
    struct event_base *base;
    struct resolve *resolve;
    const char *url, *host;
    unsigned port;
    bool allow_private; /* for tests */
    double seconds;     /* for all of it */
    struct span body;
};

/* False with a few words in `why`. */
MUST bool upload(const struct upload *u, char *why, size_t size);
