/* SPDX-License-Identifier: Apache-2.0
 *
 * keeper - knows the MTA-STS policies of domains (RFC 8461, 3 and 5).
 *
 * A policy that has not ended is the answer, at once. Beside that its record is looked at again, at
 * most once a minute, and the policy is fetched anew when the record's id is another, or when a
 * day or half of its time is over; while that fails the old one holds, also where the record is
 * gone. Where there is none, a question waits for the record and the fetch, `seconds` at most;
 * many questions for one domain are one fetch. A fetch that failed is not tried again for five
 * minutes, and what name servers do not say is not asked again for one.
 * What a domain's server does delays nobody but questions for that domain.
 */
#pragma once

#include "dns/resolve.h"
#include "sts/fetch.h"
#include "sts/shelf.h"

struct keeper;

struct keeper_rules {
    struct fetch_rules fetch;
    bool allow_private; /* fetch from loopback and private addresses, too */
};

/* What became of an inquiry that went as far as the fetch, or that failed. All borrowed for the
 * call. */
struct keeper_news {
    const char *domain;
    enum sts_trouble trouble;
    const char *why;         /* in words; "" for STS_FINE */
    bool was_fetched;        /* false: not even the record could be had */
    const struct kept *kept; /* the policy that holds now; NULL: none */
};
typedef void keeper_news_fn(void *arg, const struct keeper_news *news);

/* After fork. `resolve` and `store` (or NULL) are borrowed, and `resolve` is freed first. NULL with
 * one line in `why`. */
struct keeper *keeper_new(struct event_base *base, struct resolve *resolve, struct store *store,
                          const struct keeper_rules *rules, keeper_news_fn *news, void *arg,
                          char *why, size_t size);
void keeper_free(struct keeper **k);

/* Its policy was taken out of the store: whoever asks next waits for what there is now. */
void keeper_forget(struct keeper *k, const char *domain);

/* Fetches nothing more, and gives up what is under way; before the resolver is freed. */
void keeper_stop(struct keeper *k);

/* `kept` NULL: there is no policy. Borrowed for the call. */
typedef void keeper_fn(void *arg, const struct kept *kept, enum sts_trouble trouble);

/* `fn` is called once, maybe before this returns, at the latest by keeper_free(). */
void keeper_ask(struct keeper *k, const char *domain, keeper_fn *fn, void *arg);
