/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/tlsrpt/upload.h"

#include <stdio.h>

#include "net/loop.h"
#include "sts/fetch.h"

struct way {
    const struct upload *u;
    struct addr at[FETCH_ADDRESSES];
    size_t count;
    bool over, taken, is_private;
    enum dns_type asked;
    char *why;
    size_t size;
};

static void take_addresses(struct way *w, enum dns_type type, struct span message)
{
    struct dns_record record[FETCH_ADDRESSES];
    size_t count = 0;

    if (!dns_read(message, type, record, COUNT_OF(record), &count))
        return;
    for (size_t i = 0; i < count && w->count < COUNT_OF(w->at); i++)
        if (w->u->allow_private || !addr_is_private(&record[i].at))
            w->at[w->count++] = record[i].at;
        else
            w->is_private = true;
}

static void on_answer(void *arg, enum resolved how, bool secure, struct span message)
{
    struct way *w = arg;

    (void)secure;
    if (how == RESOLVED_NAMED)
        take_addresses(w, w->asked, message);
    w->over = true;
    event_base_loopbreak(w->u->base);
}

static void wait_for(struct way *w)
{
    while (!w->over)
        event_base_dispatch(w->u->base);
    w->over = false;
}

static void find(struct way *w, enum dns_type type)
{
    w->asked = type;
    resolve_ask(w->u->resolve, w->u->host, type, on_answer, w);
    wait_for(w);
}

static void on_posted(void *arg, const struct fetched *f)
{
    struct way *w = arg;

    w->taken = f->trouble == STS_FINE;
    snprintf(w->why, w->size, "%s", f->why);
    w->over = true;
    event_base_loopbreak(w->u->base);
}

bool upload(const struct upload *u, char *why, size_t size)
{
    struct fetch_rules rules = {.port = u->port, .seconds = u->seconds, .trusts_all = true};
    struct way w = {.u = u, .why = why, .size = size};
    struct fetcher *f;

    find(&w, DNS_AAAA);
    find(&w, DNS_A);
    if (w.count == 0) {
        snprintf(why, size,
                 w.is_private ? "its server has only private addresses"
                              : "its server has no address");
        return false;
    }
    if (!(f = fetcher_new(u->base, &rules, why, size)))
        return false;
    fetch_post(f, &(struct fetch_posted){u->host, u->url, "application/tlsrpt+gzip", u->body}, w.at,
               w.count, on_posted, &w);
    wait_for(&w);
    fetcher_free(&f);
    return w.taken;
}
