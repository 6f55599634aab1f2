/* SPDX-License-Identifier: Apache-2.0
 *
 * remote - what is known of the server that a message went to, or should have gone to.
 */
#pragma once

#include "base/id.h"
#include "dns/dns.h"
#include "rule/decide.h"
#include "rule/facts.h"
#include "way/published.h"

enum { REMOTE_ESMTP = 256, REMOTE_SAID = 256 };

struct remote {
    const char *rule;        /* title of the domain section that decided; borrowed */
    struct texts unwritten;  /* its disable-acct-records; borrowed */
    const char *client_cert; /* the file, "" for none; borrowed */
    struct demand demand;
    char name[DNS_NAME];  /* "" where only its address is known, or no server was found */
    struct addr at, from; /* `at.port` 0: no server was found; `from.port` 0: not connected */
    char esmtp[REMOTE_ESMTP];
    bool secure;
    struct tls_facts tls;
    enum fail tls_fail; /* why there is no TLS, or it will not do; even where none is demanded */
    enum fail noted;    /* what did not hold and was only noted: see judge() */
    enum demand_part noted_by;
    enum demand_part by;        /* whose demand failed */
    struct id session;          /* of its own for each connection; "": there was none to be */
    struct published published; /* all empty where no record wants it */
    char said[REMOTE_SAID];     /* its greeting or its answer to EHLO or STARTTLS, if that was no */
};
