/* SPDX-License-Identifier: Apache-2.0
 *
 * decide - what is demanded of TLS towards one server. Pure: facts and rules in, demand out.
 *
 * A demand is a set of parts that must all hold, and belongs to one candidate, not to a
 * domain. What the administrator demands and what the domain publishes add up:
 *
 *   - DANE (RFC 7672): usable TLSA records must match. Where they do, the certificate need not
 *     satisfy MTA-STS as well (RFC 8461, 2); where they do not, MTA-STS is no way out. Records
 *     that are all unusable still mean TLS (RFC 7672, 2.2), and not in place of MTA-STS.
 *     use-dane = required wants usable ones.
 *   - MTA-STS, enforce: only servers that the policy names, with a certificate for that name.
 *     testing: what would be refused is noted, and no more (RFC 8461, 5).
 *   - report-only: what its rules would refuse is noted.
 *   - use-starttls = no is about TLS that nobody demands. What a domain publishes is heeded all
 *     the same: who does not want that says use-dane = off and use-mta-sts = no.
 */
#pragma once

#include "rule/domain.h"
#include "rule/fail.h"
#include "rule/sts.h"
#include "rule/tlsa.h"

/* What is known of a candidate, besides the rule. All zero: nothing. */
struct candidate_facts {
    enum tlsa_state tlsa;
    enum sts_mode sts;
    bool sts_lists;   /* the policy's mx names it */
    bool seen;        /* starttls-memory: the domain has shown TLS, and not too long ago */
    enum fail broken; /* TLS with this address broke some minutes ago: how */
};

/* In the order in which they are looked at: the first that does not hold is the reason. */
enum demand_part {
    PART_NONE = 0,
    PART_ENCRYPT = 1 << 0,       /* require-starttls, smtp-implicit-tls */
    PART_VERIFY = 1 << 1,        /* smtp-tls-verify */
    PART_DANE = 1 << 2,          /* a certificate that matches a TLSA record */
    PART_DANE_UNUSABLE = 1 << 3, /* TLSA records, none of them usable: TLS */
    PART_STS = 1 << 4,           /* a certificate of a public CA for the server's own name */
    PART_MEMORY = 1 << 5,        /* starttls-memory */
};
enum { PART_LAST = PART_MEMORY };

/* The order of the numbers is the meaning: at DEMAND_ENCRYPT there is no clear text. */
enum demand_level { DEMAND_NONE, DEMAND_MAY, DEMAND_ENCRYPT };

struct demand {
    enum demand_level level;   /* DEMAND_ENCRYPT if, and only if, something is in `must` */
    unsigned must;             /* parts that are enforced, */
    unsigned notes;            /* and that are only noted: report-only, and MTA-STS in testing */
    enum domain_verify verify; /* with PART_VERIFY */
    bool sts_unlisted;         /* with PART_STS in `notes`: the policy does not name the server */
    bool dane_required;        /* with PART_DANE: use-dane = required */
    bool sts_behind;           /* with PART_DANE: it stands in for the certificate of MTA-STS, which
                                  counts again where no record turns out to be usable */
    enum fail broken;          /* not FAIL_NOT: do not even ask for TLS */
    enum demand_part by;       /* where decide() failed: whose demand that was; see demand_by() */
};

/* FAIL_NOT, or why this candidate is not to be tried at all. */
MUST enum fail decide(const struct domain *rule, const struct candidate_facts *f,
                      struct demand *out);

/* dlvTlsPolicy: "none", "may" or "encrypt", or in place of the last what is more than that, with
 * '+' between: "verify", "dane", "dane-unusable", "sts", "memory". What is only noted comes
 * behind: "may+verify-reported+sts-testing". `to` comes back. */
enum { DEMAND_TEXT = 128 };
const char *demand_text(const struct demand *d, char to[DEMAND_TEXT]);

/* Who demands it: the section's title, "dane", "mta-sts" or "starttls-memory"; "" of PART_NONE. */
const char *demand_by(enum demand_part part, const struct domain *rule);

/* What became of TLS with a server, as far as it went. */
enum tls_outcome {
    TLS_NOT_OFFERED,
    TLS_REFUSED,  /* STARTTLS answered by no 220 */
    TLS_INJECTED, /* bytes behind the 220 */
    TLS_BROKEN,   /* the handshake failed */
    TLS_STALLED,  /* or did not end in time */
    TLS_UNWANTED, /* the server refused our certificate, or that there was none */
    TLS_DONE,
};

enum cert_state { CERT_OK, CERT_UNTRUSTED, CERT_EXPIRED, CERT_OTHER_NAME };

/* All but the outcome counts only for TLS_DONE. */
struct tls_shown {
    enum tls_outcome outcome;
    enum cert_state cert; /* by the rule's CAs and, where `verify` is name, for that name */
    enum cert_state sts;  /* by public CAs, for the server's own name */
    bool listed;          /* smtp-tls-fingerprints has the certificate or its key */
    enum dane_state dane; /* by TLSA records */
};

/* What to do next with this server. */
enum decision {
    GO_SECURE,      /* go on in TLS */
    GO_CLEAR,       /* go on in the clear on this very connection */
    GO_AGAIN_CLEAR, /* a new connection, without STARTTLS */
    GO_NOT,         /* this server will not do */
};

struct judgement {
    enum decision then;
    enum fail fail;            /* with GO_NOT: why, */
    enum demand_part by;       /* and whose demand it was; PART_NONE: it will do for nobody */
    enum fail noted;           /* what does not hold and is only noted; FAIL_NOT: nothing */
    enum demand_part noted_by; /* and whose demand that was */
};

/* `mail_sent`: MAIL went out on this try already. */
struct judgement judge(const struct demand *d, const struct tls_shown *shown, bool mail_sent);

/* Why there is no TLS, whether it is demanded or not; FAIL_NOT of TLS_DONE. */
enum fail tls_lack(enum tls_outcome outcome);
