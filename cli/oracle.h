/* SPDX-License-Identifier: Apache-2.0
 *
 * oracle - answers within this process what sallyport-out's workers ask its facts process: name
 * servers, MTA-STS policies, and what is remembered in the store of sallyport-out.
 *
 * It only reads the store. A policy that stands there and has not ended is the answer, as it is for
 * sallyport-out; beside that oracle_fetch() gets the one that the domain publishes now.
 */
#pragma once

#include <sys/queue.h>

#include "conf/settings.h"
#include "keep/memory.h"
#include "sts/shelf.h"
#include "way/ask.h"

struct oracle {
    const struct settings *settings; /* borrowed */
    struct event_base *base;         /* borrowed */
    struct line *line;               /* ours, as all of these */
    struct resolve *resolve;
    struct keeper *keeper; /* without the store: NULL where its CAs cannot be read */
    struct store *store;   /* NULL: there is none, or it cannot be read */
    struct shelf *shelf;
    char *cas;
    LIST_HEAD(, oracle_wait) waits;       /* for the keeper */
    char news_of[DNS_NAME], news[256];    /* what the last fetch came to, in words */
    char no_keeper[1100], no_store[4400]; /* why */
    struct oracle_fetched {
        bool done, has;
        char domain[DNS_NAME];
        enum sts_trouble trouble;
        char why[256];
        struct kept kept;
    } fetched; /* oracle_fetch()'s last */
};

/* False with one line in `why`. */
MUST bool oracle_begin(struct oracle *o, struct event_base *base, const struct settings *s,
                       char *why, size_t size);
void oracle_end(struct oracle *o);

/* Asks for the domain's policy; `o->fetched` has it once it is done, in rounds of the loop. */
void oracle_fetch(struct oracle *o, const char *domain);

/* The one in the store, if it has not ended. */
MUST bool oracle_cached(const struct oracle *o, const char *domain, struct kept *out);
