/* SPDX-License-Identifier: Apache-2.0
 *
 * report - everything that `sallyport report` says, as plain facts.
 *
 * It is made once, when all rows were counted; text, JSON and HTML are three writers of it. All
 * pointers live as long as the struct; no text is NULL ("" where there is nothing) and none holds
 * control characters, but otherwise they are what others said: a writer quotes them in its way.
 * Lists are sorted, the greatest count first, days by date; a list may be empty (at NULL).
 *
 * A row is a recipient, as in PowerMTA: a d row is a message delivered to one recipient, an r row
 * one received for one. `in` is counted from r rows; `out` from d rows, its failures from b (given
 * up), t (to be tried again) and tq (a connection without mail) rows.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#include "base/span.h"

/* One name and how often. */
struct report_tally {
    const char *name; /* "" : the field was empty; a writer says "none" */
    uint64_t count;
};

/* Names by count. What did not fit (many different ones, or beyond --top) is in `others`. */
struct report_tallies {
    const struct report_tally *at;
    size_t count;
    uint64_t total;  /* of all, `others` too */
    uint64_t others; /* rows whose names are not in the list */
};

/* Messages of one direction. messages = tls + clear + unknown; tls is verified + unverified,
 * and more where no column says which. */
struct report_way {
    uint64_t messages;
    uint64_t tls, clear;
    uint64_t unknown;  /* the file has no column for it */
    uint64_t verified; /* of tls: the other side's certificate holds ("ok"), or DANE's met */
    uint64_t unverified;
    uint64_t old; /* of tls: older than TLS 1.2 */
};

/* Does any column say whether the other side's certificate held? Else `verified` says nothing. */
static inline bool report_is_judged(const struct report_way *way)
{
    return way->tls == 0 || way->verified + way->unverified > 0;
}

/* What shares of it are of: messages of which the file says whether they went in TLS. */
static inline uint64_t report_known(const struct report_way *w)
{
    return w->messages - w->unknown;
}

struct report_day {
    char date[12]; /* "2026-11-22", in UTC */
    struct report_way in, out;
    uint64_t bounced, deferred; /* b and t rows */
};

/* All of one direction. */
struct report_side {
    struct report_way way;
    struct report_tallies protocols, ciphers, groups; /* of messages in TLS */
    struct report_tallies verify;                     /* "ok", "none", or why not */
    struct report_tallies policies, policy_results;   /* of what is sent; empty for `in` */
};

/* A domain that we send to or a client that sends to us, with mail in the clear or in old TLS;
 * the one with the most of it first. */
struct report_weak {
    const char *name;   /* the domain; the client's address */
    const char *called; /* the client's name in HELO; "" of domains */
    const char *oldest; /* protocol: "TLSv1"; "" where all in TLS was new enough */
    uint64_t messages, clear, old;
    time_t last; /* when mail went in the clear or in old TLS for the last time */
};

struct report_weaks {
    const struct report_weak *at;
    size_t count;
    size_t known;     /* so many are there, those beyond --top too */
    bool approximate; /* there were too many to count each: small ones may be missing */
};

/* One reason for which mail was not delivered. */
struct report_failure {
    const char *error;    /* dlvTlsError: "certificate-expired"; "" where TLS was not the matter */
    const char *status;   /* "4.7.5" */
    const char *category; /* bounceCat */
    uint64_t count;       /* bounced + deferred + attempts */
    uint64_t bounced, deferred, attempts;
    time_t first, last;
    const char *domain, *server, *diagnostic; /* an example: the first */
};

struct report_failures {
    const struct report_failure *at;
    size_t count;
    uint64_t total, others; /* as in tallies */
};

/* A rule that only records: what it would refuse if it were enforced. */
struct report_would {
    bool in;             /* of what is received; else of what is sent */
    const char *rule;    /* "require-starttls"; "mta-sts": a domain's policy in testing */
    const char *section; /* the section's title: "10.0.0.0/8", "*.example.com" */
    uint64_t count;
    struct report_tallies who; /* clients by address, or domains */
};

struct report_woulds {
    const struct report_would *at;
    size_t count;
};

/* A domain whose every delivery was in TLS with a certificate that holds, for long enough, and
 * that no rule or policy demands it of yet. `section` can go into the configuration. */
struct report_ready {
    const char *name;
    uint64_t messages;
    time_t first, last;
    const char *section; /* lines "domain example.com {\n    require-starttls = yes\n ...}\n" */
};

struct report_readies {
    const struct report_ready *at;
    size_t count;
    size_t known;
    unsigned days, messages; /* what long enough means: --required-after, --at-least */
    bool judged;             /* false: columns are missing, or time is shorter than `days` */
};

/* A column that was in no file, and what is therefore empty. */
struct report_missing {
    const char *column; /* "dlvTlsProtocol" */
    const char *types;  /* of the rows that should have it: "d", "r", "d, b and t" */
    const char *what;   /* "protocols of mail sent" */
};

struct report_file {
    const char *name;
    uint64_t bytes; /* of the file, compressed or not */
    uint64_t rows;  /* read */
    uint64_t bad;   /* rows left out: they are no rows of this file */
    bool torn;      /* its last line has no end: it is being written */
};

struct report {
    time_t made;                 /* when the report was made */
    const char *host;            /* where */
    time_t first, last;          /* timeLogged of the rows that count; 0: there are none */
    time_t since, until;         /* as wanted; 0: no limit */
    const char *domain, *source; /* as wanted; "": all */

    uint64_t rows;    /* read */
    uint64_t counted; /* in this report; the rest is in `outside` and `types`; `bad` ones are not
                         even that */
    uint64_t outside; /* not wanted: --since, --until, --domain, --source */
    uint64_t types;   /* types that say nothing here: rb, rs, f */
    uint64_t bad;     /* no rows; the first of them: */
    const char *bad_place, *bad_why; /* "acct.csv:17", "has 22 fields, the header has 23" */

    const struct report_file *files;
    size_t file_count;
    const struct report_missing *missing;
    size_t missing_count;

    const struct report_day *days; /* from the first to the last, those without mail too */
    size_t day_count;
    struct report_side in, out;
    uint64_t bounced, deferred, attempts; /* b, t and tq rows */

    struct report_weaks domains, clients;
    struct report_failures failures;
    struct report_woulds woulds;
    struct report_readies readies;
};
