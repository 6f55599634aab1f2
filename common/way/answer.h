/* SPDX-License-Identifier: Apache-2.0
 *
 * answer - what workers ask the facts process, and what it answers.
 *
 * Both sides are children of one master, so a message is the struct itself: a question whole,
 * an answer up to the last host that it holds (answer_size()). answer_is_whole() is asked
 * before one is used.
 */
#pragma once

#include "dns/dns.h"
#include "rule/sts.h"
#include "rule/tlsa.h"

enum { ANSWER_SENT = 17000 }; /* bytes of an entry with its key */
enum { ANSWER_HOSTS = 64, ANSWER_STS_MX = 64, ANSWER_STS_ID = 33 };

enum question_kind {
    QUESTION_MAIL, /* who takes mail for this domain: MX, or the domain itself */
    QUESTION_HOST, /* the addresses of this host */
    QUESTION_TLSA, /* what this host's certificate on `port` must match */
    QUESTION_STS,  /* the domain's MTA-STS policy */
    QUESTION_SEEN, /* has the domain shown TLS: `secure` of the answer */
    QUESTION_SENT, /* what was sent under this queue id; `port` of the entries are known */
    QUESTION_GONE, /* nobody asks: an answer by itself, number 0: something was forgotten */
};

struct question {
    uint32_t number; /* comes back with the answer */
    uint32_t kind;
    uint32_t port;       /* QUESTION_TLSA */
    char name[DNS_NAME]; /* A-labels */
};

enum answer_status {
    ANSWER_OK,
    ANSWER_NO_DOMAIN, /* the name does not exist */
    ANSWER_NULL_MX,   /* RFC 7505 */
    ANSWER_NO_ADDRESS,
    ANSWER_FAILED, /* the name servers did not say */
    ANSWER_BOGUS,  /* what they said does not validate */
};

/* One address of one host; hosts are in the order in which they should be tried. */
struct answer_host {
    char name[DNS_NAME];
    uint32_t preference;
    struct addr at;
};

/* Of QUESTION_TLSA; heed the state where the status is ANSWER_OK, and else as TLSA_FAILED. */
struct answer_tlsa {
    uint32_t state;      /* enum tlsa_state */
    char base[DNS_NAME]; /* the name that they were found at, which the certificate is for, too */
    struct tlsa at[TLSA_MOST];
};

/* Of QUESTION_STS, if the status is ANSWER_OK: where there is no policy, or none can be had, the
 * mode is STS_NONE. Any other status says nothing of a policy. With an unexpired policy there may
 * be trouble, too: it could not be fetched anew. */
struct answer_sts {
    uint32_t mode;    /* enum sts_mode */
    uint32_t trouble; /* enum sts_trouble */
    uint32_t max_age;
    char id[ANSWER_STS_ID];
    char mx[ANSWER_STS_MX][DNS_NAME]; /* patterns, in lower case: sts_covers() */
};

/* Of QUESTION_SENT: one entry, or none; proxy-out/relay/sent.h says what it holds. */
struct answer_sent {
    uint32_t more; /* there is another behind it */
    uint32_t key_len;
    char entry[ANSWER_SENT]; /* key and value; `count` bytes */
};

struct answer {
    uint32_t number;
    uint32_t kind; /* the question's */
    uint32_t status;
    uint32_t secure; /* QUESTION_MAIL: the MX records, or that there are none, are under DNSSEC */
    uint32_t count;  /* of the list that it holds */
    uint32_t lasts;  /* seconds for which it may be used again: recent.h; 0: not at all */
    union {
        struct answer_host host[ANSWER_HOSTS]; /* QUESTION_MAIL, QUESTION_HOST */
        struct answer_tlsa tlsa;
        struct answer_sts sts;
        struct answer_sent sent;
    };
};

/* That nobody said anything: what may be told where there is no answer. */
void answer_failed(struct answer *a, const struct question *q);

/* How many bytes of it count. */
size_t answer_size(const struct answer *a);

/* Is what came, `len` bytes, an answer? Counts and texts are then within their limits. */
MUST bool answer_is_whole(const struct answer *a, size_t len);
