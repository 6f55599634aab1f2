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

/* Calls postconf with these words (ends with NULL) and adds what it says to `said`, a text in
 * POSTCONF_SAID bytes. It heeds MAIL_CONFIG, where there are several Postfixes. False: there is
 * none, or it has trouble. */
enum { POSTCONF_SAID = 65536, POSTCONF_WORDS = 32 };
MUST bool postconf_ask(const char *const *words, char *said);

/* Of what `postconf -x NAME...` printed: the value of NAME, "" if it is not there; and as seconds,
 * 0 if it is no time. */
struct span postconf_value(struct span text, const char *name);
unsigned long postconf_seconds(struct span text, const char *name);
