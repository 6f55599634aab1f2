/* SPDX-License-Identifier: Apache-2.0
 *
 * inspect - one `sallyport probe`: from a domain to all of its servers, with the code by which
 * sallyport-out goes, and a report of each step. Nobody else waits here, so each step waits for
 * its end: inspect_wait().
 */
#pragma once

#include "base/text.h"
#include "cli/oracle.h"
#include "cli/sheet.h"
#include "dns/resolve.h"
#include "remote/attempt.h"
#include "remote/manners.h"
#include "way/find.h"
#include "way/known.h"
#include "way/own.h"

struct inspect_plan {
    const char *domain;    /* as it was said */
    const char *server;    /* name or address; NULL: all of them */
    const char *rcpt;      /* a recipient to be asked for; NULL: none */
    unsigned long seconds; /* for a server; 0: as sallyport-out would */
    bool json;
};

struct inspect {
    struct inspect_plan plan;
    const struct settings *settings; /* borrowed */
    struct sheet sheet;
    struct event_base *base; /* ours, as what follows */
    struct oracle oracle;
    struct own own;
    struct manners *manners;
    struct find find;
    struct known known;
    char domain[IDNA_NAME];         /* as sallyport-out has it */
    const struct domain *rule;      /* the settings' */
    const struct rollup_mx *rollup; /* what led to it; NULL: the domain itself */
    struct domain keyless;          /* that rule, where its client certificate cannot be read, */
    char no_key[1100];              /* and why that is */
    bool speaks;                    /* a terminal wants to know what is going on */
    bool done;                      /* what is waited for */
    double spent; /* seconds of route-deadline, until the servers' turn and at those that failed */
    /* What the mail server would be told. */
    bool delivered, secure, refused; /* the first server that takes it, */
    char taker[512];                 /* and which that is */
    char answer[512];                /* else; of the last that was tried */
    size_t met;                      /* servers that --server meant */
};

/* The exit status, after all was reported. */
int inspect_run(struct inspect *i);

/* The steps of it, a file each. inspect_way(): rule, policies and servers; true: there are some. */
MUST bool inspect_way(struct inspect *i);
void inspect_server(struct inspect *i, size_t at);

/* Of a server that is ready for MAIL: asks for the recipient, if that is wanted, and takes leave.
 * What it said to a recipient comes back in `said`, "" for nothing; the number is its code, 0 where
 * nobody was asked, -1 where it was lost. */
int inspect_talk(struct inspect *i, struct upstream *up, char *said, size_t size);

/* One question, answered or too late; NULL: no memory. To be freed. */
struct dig;
struct dig *inspect_dig(struct inspect *i, const char *name, enum dns_type type);

/* What one reads of a handshake and of what it proves. */
struct attempt_conf;
void inspect_tls(struct inspect *i, const struct attempt_conf *conf, const struct upstream *up);

/* The records as DNS has them, and which of them count. */
void inspect_tlsa(struct inspect *i, const struct candidate *c);

/* Runs the loop until `done`, or for so many seconds at most; false then. `what` is for who looks
 * on. */
MUST bool inspect_wait(struct inspect *i, const bool *done, double seconds, const char *what,
                       const char *of);

/* How long the server at `at` may take: a fair share of what is left of route-deadline. */
double inspect_share(const struct inspect *i, size_t at);

/* An earlier server takes the message, or refused it for good. */
bool inspect_is_decided(const struct inspect *i);

/* "never", "under DNSSEC"... of an answer. */
const char *inspect_state(const struct inspect *i, enum resolved how, bool secure);
