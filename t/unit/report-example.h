/* SPDX-License-Identifier: Apache-2.0
 *
 * report-example - a report filled by hand, for the tests of who writes it: four days, something
 * in each list.
 */
#pragma once

#include "cli/report/report.h"

#define EXAMPLE_LIST(array, sum, rest)    \
    {                                     \
        array, COUNT_OF(array), sum, rest \
    }
#define EXAMPLE_DAY 86400
#define EXAMPLE_START 1794700800 /* 2026-11-15 00:00:00 UTC */

static const struct report_tally example_in_protocols[] = {{"TLSv1.3", 3900}, {"TLSv1.2", 840}};
static const struct report_tally example_in_ciphers[] = {{"TLS_AES_256_GCM_SHA384", 3900},
                                                         {"ECDHE-RSA-AES256-GCM-SHA384", 840}};
static const struct report_tally example_in_groups[] = {{"X25519", 4700}, {"", 40}};
static const struct report_tally example_in_verify[] = {{"none", 4640}, {"ok", 100}};
static const struct report_tally example_out_protocols[] = {
    {"TLSv1.3", 8000}, {"TLSv1.2", 1500}, {"TLSv1", 20}};
static const struct report_tally example_out_ciphers[] = {{"TLS_AES_256_GCM_SHA384", 8000},
                                                          {"ECDHE-RSA-AES256-GCM-SHA384", 1400}};
static const struct report_tally example_out_groups[] = {
    {"X25519", 9000}, {"secp256r1", 500}, {"", 20}};
static const struct report_tally example_out_verify[] = {
    {"ok", 9100}, {"self-signed", 300}, {"untrusted", 100}, {"expired", 20}};
static const struct report_tally example_out_policies[] = {
    {"may", 7500}, {"sts", 1500}, {"dane", 600}, {"may+verify-reported", 400}};
static const struct report_tally example_out_results[] = {
    {"met", 9450}, {"clear", 480}, {"reported", 60}, {"testing-failed", 10}};

static const struct report_day example_days[] = {
    {.date = "2026-11-15",
     .in = {1200, 1100, 100, 0, 20, 1080, 0},
     .out = {2500, 2300, 200, 0, 2200, 100, 10},
     .bounced = 12,
     .deferred = 30},
    {.date = "2026-11-16",
     .in = {1300, 1240, 60, 0, 30, 1210, 0},
     .out = {2500, 2380, 120, 0, 2300, 80, 10},
     .bounced = 9,
     .deferred = 25},
    {.date = "2026-11-17"},
    {.date = "2026-11-18",
     .in = {2500, 2400, 100, 0, 50, 2350, 0},
     .out = {5000, 4840, 160, 0, 4600, 240, 0},
     .bounced = 19,
     .deferred = 45},
};

static const struct report_weak example_domains[] = {
    {"old.example.net", "", "", 300, 300, 0, EXAMPLE_START + 3 * EXAMPLE_DAY + 3600},
    {"mixed.example.org", "", "TLSv1", 400, 180, 20, EXAMPLE_START + 2 * EXAMPLE_DAY},
};
static const struct report_weak example_clients[] = {
    {"192.0.2.17", "printer.office.example", "", 200, 200, 0, EXAMPLE_START + 3 * EXAMPLE_DAY + 60},
    {"2001:db8::25", "<b>\"relay\" & co</b>", "", 90, 60, 0, EXAMPLE_START + EXAMPLE_DAY},
};

static const struct report_failure example_failures[] = {
    {"", "4.2.2", "quota-issues", 60, 0, 60, 0, EXAMPLE_START + 600,
     EXAMPLE_START + 3 * EXAMPLE_DAY, "example.com", "mx.example.com (198.51.100.7)",
     "smtp;452 4.2.2 Mailbox full, \"try later\""},
    {"certificate-expired", "4.7.5", "policy-related", 45, 0, 40, 5, EXAMPLE_START + 700,
     EXAMPLE_START + EXAMPLE_DAY, "expired.example.net", "mx.expired.example.net (198.51.100.8)",
     "smtp;451 4.7.5 Certificate has expired"},
    {"", "5.1.1", "bad-mailbox", 40, 40, 0, 0, EXAMPLE_START + 10, EXAMPLE_START + EXAMPLE_DAY,
     "example.org", "mx.example.org (198.51.100.9)", "smtp;550 5.1.1 <nobody> User unknown"},
};

static const struct report_tally example_would_clients[] = {{"192.0.2.17", 200},
                                                            {"192.0.2.44", 60}};
static const struct report_tally example_would_domains[] = {{"selfsigned.example.org", 60}};
static const struct report_tally example_would_sts[] = {{"testing.example.com", 10}};
static const struct report_would example_woulds[] = {
    {true, "require-starttls", "192.0.2.0/24", 260, EXAMPLE_LIST(example_would_clients, 260, 0)},
    {false, "smtp-tls-verify", "*.example.org", 60, EXAMPLE_LIST(example_would_domains, 60, 0)},
    {false, "mta-sts", "default", 10, EXAMPLE_LIST(example_would_sts, 10, 0)},
};

static const struct report_ready example_readies[] = {
    {"partner.example.com", 900, EXAMPLE_START, EXAMPLE_START + 3 * EXAMPLE_DAY,
     "domain partner.example.com {\n    require-starttls = yes\n    smtp-tls-verify = ca\n}\n"},
    {"bank.example", 420, EXAMPLE_START + 60, EXAMPLE_START + 3 * EXAMPLE_DAY + 60,
     "domain bank.example {\n    require-starttls = yes\n    smtp-tls-verify = ca\n}\n"},
};

static const struct report_file example_files[] = {
    {"/var/log/sallyport/acct-2026-11-17-0000.csv.gz", 310000, 9000, 0, false},
    {"/var/log/sallyport/acct.csv", 3200000, 6147, 1, true},
};
static const struct report_missing example_missing[] = {
    {"rcvTlsSni", "r", "nothing that this report would show"},
};

static const struct report report_example = {
    .made = EXAMPLE_START + 4 * EXAMPLE_DAY,
    .host = "mail.example.com",
    .first = EXAMPLE_START + 5,
    .last = EXAMPLE_START + 4 * EXAMPLE_DAY - 9,
    .domain = "",
    .source = "",
    .rows = 15147,
    .counted = 15145,
    .types = 1,
    .bad = 1,
    .bad_place = "/var/log/sallyport/acct.csv:17",
    .bad_why = "it has 22 fields, the header has 23",
    .files = example_files,
    .file_count = COUNT_OF(example_files),
    .missing = example_missing,
    .missing_count = COUNT_OF(example_missing),
    .days = example_days,
    .day_count = COUNT_OF(example_days),
    .in = {.way = {5000, 4740, 260, 0, 100, 4640, 0},
           .protocols = EXAMPLE_LIST(example_in_protocols, 4740, 0),
           .ciphers = EXAMPLE_LIST(example_in_ciphers, 4740, 0),
           .groups = EXAMPLE_LIST(example_in_groups, 4740, 0),
           .verify = EXAMPLE_LIST(example_in_verify, 4740, 0)},
    .out = {.way = {10000, 9520, 480, 0, 9100, 420, 20},
            .protocols = EXAMPLE_LIST(example_out_protocols, 9520, 0),
            .ciphers = EXAMPLE_LIST(example_out_ciphers, 9520, 120),
            .groups = EXAMPLE_LIST(example_out_groups, 9520, 0),
            .verify = EXAMPLE_LIST(example_out_verify, 9520, 0),
            .policies = EXAMPLE_LIST(example_out_policies, 10000, 0),
            .policy_results = EXAMPLE_LIST(example_out_results, 10000, 0)},
    .bounced = 40,
    .deferred = 100,
    .attempts = 5,
    .domains = {example_domains, COUNT_OF(example_domains), 2, false},
    .clients = {example_clients, COUNT_OF(example_clients), 12, true},
    .failures = EXAMPLE_LIST(example_failures, 145, 0),
    .woulds = {example_woulds, COUNT_OF(example_woulds)},
    .readies = {.at = example_readies,
                .count = COUNT_OF(example_readies),
                .known = 2,
                .days = 14,
                .messages = 20,
                .judged = true},
};
