/* SPDX-License-Identifier: Apache-2.0
 *
 * fetch - gets the text of an MTA-STS policy by HTTPS (RFC 8461, 3.3), inside of the event loop, or
 * posts a report (RFC 8460, 5.4). The door to libcurl.
 *
 * https://mta-sts.DOMAIN/.well-known/mta-sts.txt and nothing else: no redirects, no other scheme,
 * no proxy, no cookies, nothing of the environment. The server's certificate must be good for
 * that name, TLS is 1.2 or newer, the answer 200 and text/plain of at most 64 KB. It connects to
 * the addresses that it is given, and asks no name server.
 */
#pragma once

#include "base/addr.h"
#include "rule/sts.h"

struct event_base;
struct fetcher;

struct fetch_rules {
    struct span cas; /* CA certificates, PEM; empty: the system's. Borrowed, as long as it lives */
    unsigned port;
    double seconds;  /* for all of one fetch */
    bool trusts_all; /* certificates prove nothing and need not: for reports alone */
};

/* After fork. NULL with one line in `why`. What is under way when it is freed is not heard of. */
struct fetcher *fetcher_new(struct event_base *base, const struct fetch_rules *rules, char *why,
                            size_t size);
void fetcher_free(struct fetcher **f);

struct fetched {
    enum sts_trouble trouble; /* STS_FINE: the text is there */
    const char *why;          /* else in words, without the domain; both borrowed for the call */
    struct span text;
};
typedef void fetched_fn(void *arg, const struct fetched *f);

enum { FETCH_ADDRESSES = 16 };

/* `domain` is a host name, of A-labels; more addresses are not tried. `fn` is called once, maybe
 * before this returns. */
void fetch_start(struct fetcher *f, const char *domain, const struct addr *at, size_t count,
                 fetched_fn *fn, void *arg);

/* Borrowed until `fn` is called. */
struct fetch_posted {
    const char *host, *url; /* https://HOST:PORT/..; the port is that of the rules */
    const char *type;
    struct span body;
};

/* Any status of 2xx is STS_FINE, any other trouble is told in words. */
void fetch_post(struct fetcher *f, const struct fetch_posted *p, const struct addr *at,
                size_t count, fetched_fn *fn, void *arg);
