/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages of `sallyport report --html` without files that were counted, for the page's tests and
 * for looking at:  report-page example|nothing|one|month|ugly FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/report/html.h"
#include "t/unit/report-example.h"

#define DAY EXAMPLE_DAY
#define MOST_DAYS 400
#define MOST 60
/* At the start of a name: RTL override, markup, bad UTF-8, a control character; and no end. */
#define ODD                                                                      \
    "\xe2\x80\xae<script>alert(1)</script>\"'&\x01\xff"                          \
    "a-name-that-goes-on-and-on-and-on-without-a-place-to-break-it-anywhere-at-" \
    "all-until-it-is-far-longer-than-any-page-is-wide.example.com"

static struct report_day days[MOST_DAYS];
static struct report_weak weak_domains[MOST], weak_clients[MOST];
static struct report_failure failures[MOST];
static struct report_ready readies[MOST];
static char names[MOST][300], clients[MOST][64], sections[MOST][500];

static unsigned next(unsigned below)
{
    static unsigned seed = 7;

    seed = seed * 1103515245u + 12345u;
    return (seed >> 16) % below;
}

static void add_way(struct report_way *sum, const struct report_way *way)
{
    sum->messages += way->messages;
    sum->tls += way->tls;
    sum->clear += way->clear;
    sum->unknown += way->unknown;
    sum->verified += way->verified;
    sum->unverified += way->unverified;
    sum->old += way->old;
}

static struct report_way make_way(uint64_t messages, unsigned verified, unsigned clear)
{
    struct report_way way = {.messages = messages, .clear = messages * clear / 1000};

    way.tls = messages - way.clear;
    way.verified = way.tls * verified / 1000;
    way.unverified = way.tls - way.verified;
    way.old = way.tls / 900;
    return way;
}

/* Fewer at week-ends; a day without mail now and then; `times` makes numbers huge. */
static void make_days(struct report *r, size_t count, uint64_t times)
{
    r->first = EXAMPLE_START - (time_t)count * DAY + 40;
    r->last = EXAMPLE_START - 10;
    r->made = EXAMPLE_START + 9000;
    for (size_t i = 0; i < count; i++) {
        time_t at = EXAMPLE_START - (time_t)(count - i) * DAY;
        uint64_t busy = i % 7 < 5 ? 70000 + next(18000) : 16000 + next(5000);
        struct tm tm;

        strftime(days[i].date, sizeof days[i].date, "%F", gmtime_r(&at, &tm));
        if (times > 1 && i % 37 == 11)
            continue;
        days[i].out = make_way(busy * times, 930 + next(30), 25 - (unsigned)(i * 20 / count));
        days[i].in = make_way(busy * times / 3, 12 + next(5), 30 + next(20));
        days[i].bounced = busy * times / 70;
        days[i].deferred = busy * times / 40;
        add_way(&r->out.way, &days[i].out);
        add_way(&r->in.way, &days[i].in);
        r->bounced += days[i].bounced;
        r->deferred += days[i].deferred;
    }
    r->days = days;
    r->day_count = count;
}

static void make_weak(struct report *r, size_t count, bool odd)
{
    static const char *const words[] = {"printing", "northern", "school", "harbour", "museum",
                                        "fleet",    "garden",   "clinic", "orchard", "library"};

    for (size_t i = 0; i < count; i++) {
        uint64_t share = r->out.way.clear / (2 * (i + 1));

        snprintf(names[i], sizeof names[i], "%s%s-%s%zu.example.%s", odd && i % 2 ? ODD : "",
                 words[i % 10], words[(i * 3 + 1) % 10], i, i % 3 ? "org" : "net");
        if (i % 4 == 3)
            snprintf(clients[i], sizeof clients[i], "2001:db8:4:%zx:ffff:1234:5678:%zx", i, i * 7);
        else
            snprintf(clients[i], sizeof clients[i], "198.51.100.%zu", i + 9);
        weak_domains[i] = (struct report_weak){names[i],
                                               "",
                                               i % 3 ? "" : "TLSv1",
                                               share * 2 + 3,
                                               share,
                                               i % 3 ? 0 : share / 9 + 1,
                                               EXAMPLE_START - (time_t)i * DAY};
        weak_clients[i] = (struct report_weak){
            clients[i], names[i],      i % 5 ? "" : "TLSv1.1",         share + 1,
            share,      i % 5 ? 0 : 1, EXAMPLE_START - (time_t)i * DAY};
    }
    r->domains = (struct report_weaks){weak_domains, count, count + 31, odd};
    r->clients = (struct report_weaks){weak_clients, count, count, false};
}

static void make_failures(struct report *r, size_t count)
{
    static const char *const errors[] = {"", "certificate-expired", "", "starttls-not-supported",
                                         "certificate-host-mismatch"};
    static const char *const categories[] = {"quota-issues", "policy-related", "bad-mailbox"};

    for (size_t i = 0; i < count; i++) {
        failures[i] = example_failures[i % COUNT_OF(example_failures)];
        failures[i].error = errors[i % 5];
        failures[i].category = categories[i % 3];
        failures[i].deferred = r->deferred / (2 + i * 3);
        failures[i].bounced = i % 2 ? 0 : r->bounced / (2 + i * 3);
        failures[i].count = failures[i].deferred + failures[i].bounced;
        failures[i].domain = names[i];
        r->failures.total += failures[i].count;
    }
    r->failures.at = failures;
    r->failures.count = count;
}

static void make_readies(struct report *r, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        snprintf(sections[i], sizeof sections[i],
                 "domain %s {\n    require-starttls = yes\n    smtp-tls-verify = ca\n}\n",
                 names[i]);
        readies[i] = (struct report_ready){names[i], 90000 / (i + 1), r->first, r->last - 3 * DAY,
                                           sections[i]};
    }
    r->readies.at = readies;
    r->readies.count = r->readies.known = count;
}

/* The example's names, so many times as often. */
static struct report_tallies many(const struct report_tally *from, size_t count, uint64_t wanted,
                                  struct report_tally *to)
{
    struct report_tallies t = {to, count, wanted, 0};
    uint64_t sum = 0, left = wanted;

    for (size_t i = 0; i < count; i++)
        sum += from[i].count;
    for (size_t i = 0; i < count; i++) {
        to[i] = (struct report_tally){from[i].name, wanted / sum * from[i].count};
        left -= to[i].count;
    }
    t.others = left;
    return t;
}

/* Names as long as they come. */
static const struct report_tally long_ciphers[] = {{"TLS_CHACHA20_POLY1305_SHA256", 600},
                                                   {"ECDHE-ECDSA-CHACHA20-POLY1305", 300},
                                                   {"ECDHE-ECDSA-CAMELLIA256-SHA384", 100}};

static void make_kinds(struct report *r)
{
    static struct report_tally to[8][8];
    uint64_t in = r->in.way.tls, out = r->out.way.tls;

    r->in.protocols = many(example_in_protocols, 2, in, to[0]);
    r->in.ciphers = many(example_in_ciphers, 2, in, to[1]);
    r->in.verify = many(example_in_verify, 2, in, to[2]);
    r->out.protocols = many(example_out_protocols, 3, out, to[3]);
    r->out.ciphers = many(long_ciphers, 3, out, to[4]);
    r->out.groups = many(example_out_groups, 3, out, to[5]);
    r->out.verify = many(example_out_verify, 4, out, to[6]);
    r->out.policies = many(example_out_policies, 4, r->out.way.messages, to[7]);
}

static struct report make(const char *kind)
{
    struct report r = {.host = "mail.example.com",
                       .domain = "",
                       .source = "",
                       .bad_place = "",
                       .bad_why = "",
                       .made = EXAMPLE_START,
                       .readies = {.days = 14, .messages = 20}};
    bool ugly = strcmp(kind, "ugly") == 0;

    if (strcmp(kind, "example") == 0)
        return report_example;
    if (strcmp(kind, "nothing") == 0)
        return r;
    if (strcmp(kind, "one") == 0) {
        make_days(&r, 1, 1);
        memset(&r.in, 0, sizeof r.in);
        memset(&r.out, 0, sizeof r.out);
        days[0].in = r.in.way;
        days[0].out = make_way(1, 1000, 0);
        days[0].bounced = days[0].deferred = r.bounced = r.deferred = 0;
        r.out.way = days[0].out;
        r.rows = r.counted = 1;
        return r;
    }
    r = report_example;
    memset(&r.in, 0, sizeof r.in);
    memset(&r.out, 0, sizeof r.out);
    r.failures.total = r.bounced = r.deferred = 0;
    make_days(&r, ugly ? MOST_DAYS : 30, ugly ? 90000000 : 1);
    make_kinds(&r);
    make_weak(&r, ugly ? 50 : 20, ugly);
    make_failures(&r, ugly ? 50 : 12);
    make_readies(&r, ugly ? 30 : 6);
    r.rows = r.counted = r.out.way.messages + r.in.way.messages + r.bounced + r.deferred;
    r.host = ugly ? ODD : r.host;
    return r;
}

int main(int argc, char **argv)
{
    char why[4200];

    if (argc != 3)
        return 2;

    struct report r = make(argv[1]);

    if (report_html_file(&r, argv[2], why, sizeof why) == 0)
        return 0;
    fprintf(stderr, "%s\n", why);
    return 1;
}
