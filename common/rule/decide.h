/* SPDX-License-Identifier: Apache-2.0
 *
 * decide - what is demanded of TLS towards one server. Pure: facts and rules in, demand out.
 *
 * A demand is a set of parts that must all hold, and belongs to one candidate, not to a
 * domain.
 */
#pragma once

#include "rule/domain.h"
#include "rule/fail.h"

/* The order of the numbers is the meaning: from DEMAND_ENCRYPT on there is no clear text. */
enum demand_level { DEMAND_NONE, DEMAND_MAY, DEMAND_ENCRYPT, DEMAND_VERIFY };

struct demand {
    enum demand_level level;
    enum domain_verify verify; /* with DEMAND_VERIFY */
};

/* What became of TLS with a server, as far as it went. */
enum tls_outcome {
    TLS_NOT_OFFERED,
    TLS_REFUSED,  /* STARTTLS answered by no 220 */
    TLS_INJECTED, /* bytes behind the 220 */
    TLS_BROKEN,   /* the handshake failed */
    TLS_STALLED,  /* or did not end in time */
    TLS_DONE,
};

enum cert_state { CERT_OK, CERT_UNTRUSTED, CERT_EXPIRED, CERT_OTHER_NAME };

struct demand decide(const struct domain *rule);

/* "none", "may", "encrypt", "verify": dlvTlsPolicy. */
const char *demand_word(const struct demand *d);

/* What to do next with this server. */
enum decision {
    GO_SECURE,      /* go on in TLS */
    GO_CLEAR,       /* go on in the clear on this very connection */
    GO_AGAIN_CLEAR, /* a new connection, without STARTTLS */
    GO_NOT,         /* this server will not do: `*fail` */
};

/* `cert` counts only for TLS_DONE; `mail_sent`: MAIL went out on this try already. */
enum decision judge(const struct demand *d, enum tls_outcome outcome, enum cert_state cert,
                    bool mail_sent, enum fail *fail);
