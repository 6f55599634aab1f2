/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/kinds.h"

#include "conf/settings.h"

static const struct option global_options[] = {GLOBAL_OPTIONS(OPTION_ROW, global) OPTION_END};
static const struct option smtp_listener_options[] = {LISTENER_OPTIONS(OPTION_ROW, smtp_listener)
                                                          OPTION_END};
static const struct option backend_options[] = {BACKEND_OPTIONS(OPTION_ROW, backend) OPTION_END};
static const struct option relay_listener_options[] = {
    RELAY_LISTENER_OPTIONS(OPTION_ROW, relay_listener) OPTION_END};
static const struct option milter_listener_options[] = {
    MILTER_LISTENER_OPTIONS(OPTION_ROW, milter_listener) OPTION_END};
static const struct option acct_file_options[] = {ACCT_FILE_OPTIONS(OPTION_ROW, acct_file)
                                                      OPTION_END};
static const struct option record_fields_options[] = {
    RECORD_FIELDS_OPTIONS(OPTION_ROW, record_fields) OPTION_END};

static const struct option rollup_list_options[] = {OPTION_END};
static const struct option pattern_list_options[] = {OPTION_END};
static const struct option pattern_options[] = {PATTERN_OPTIONS(OPTION_ROW, bounce_pattern)
                                                    OPTION_END};

OPTIONS_FIT(global_options);
OPTIONS_FIT(smtp_listener_options);
OPTIONS_FIT(backend_options);
OPTIONS_FIT(relay_listener_options);
OPTIONS_FIT(milter_listener_options);
OPTIONS_FIT(acct_file_options);
OPTIONS_FIT(record_fields_options);

const struct kind kinds[] = {
    [KIND_GLOBAL] = {"", "", "", NULL, global_options, sizeof(struct global),
                     "These stand outside of sections."},
    [KIND_SMTP_LISTENER] = {"smtp-listener", "ADDRESS:PORT", "0.0.0.0:25", NULL,
                            smtp_listener_options, sizeof(struct smtp_listener),
                            "Where sallyport-in takes mail from clients, such as 0.0.0.0:25 or "
                            "[::]:465."},
    [KIND_BACKEND] = {"backend", "NAME", "mta", NULL, backend_options, sizeof(struct backend),
                      "The mail server behind sallyport-in. Without any there is one with all "
                      "defaults."},
    [KIND_SOURCE] = {"source", "NETWORK|NAME", "0/0", NULL, source_options, sizeof(struct source),
                     "What clients are allowed. All sections whose network holds the client "
                     "merge, the most specific that sets an option winning for that option; a "
                     "named one overrides where a listener refers to it. 0/0 is every client."},
    [KIND_SENDER_DOMAIN] = {"sender-domain", "PATTERN", "example.com", NULL, sender_options,
                            sizeof(struct sender),
                            "What mail must show whose MAIL FROM is in the domain; patterns and "
                            "merging are those of domain."},
    [KIND_RELAY_LISTENER] =
        {"relay-listener", "ADDRESS:PORT", "127.0.0.1:10026", NULL, relay_listener_options,
         sizeof(struct relay_listener),
         "Where sallyport-out takes mail from the mail server: ADDRESS:PORT, or "
         "unix:/path with hand-over = smarthost."},
    [KIND_DOMAIN_MACRO] = {"domain-macro", "NAME", "tld", NULL, macro_options, sizeof(struct macro),
                           "Names a list of words, which $NAME stands for in the patterns of "
                           "domain and sender-domain (domain yahoo.$tld) and in other lists. "
                           "Names are letters, digits and _. It may also be written NAME "
                           "{a, b, c}. A domain that is written out beats the same by a macro.",
                           "a, b, c", "com, de, co.uk"},
    [KIND_DOMAIN] = {"domain", "PATTERN", "*", NULL, domain_options, sizeof(struct domain),
                     "What recipient domains demand. Patterns are *, example.com, *.example.com "
                     "(what is below it), [*.]example.com (both) and [10.0.0.0/8] (address "
                     "literals). All that match merge, the most specific that sets an option "
                     "winning for that option."},
    [KIND_MX_ROLLUP_LIST] = {"mx-rollup-list", "", "", NULL, rollup_list_options,
                             sizeof(struct rollup_list),
                             "Domains whose mail servers are the same count as one: where the "
                             "servers of the lowest preference are all in the list under one "
                             "NAME.rollup, and the list writes out no more of it than there are, "
                             "settings and connections are those of domain NAME.rollup. What the "
                             "domain's own rule demands of TLS is never lowered so: it keeps its "
                             "own rule then. Not for domains with smtp-hosts or "
                             "disable-mx-rollup."},
    [KIND_MX] = {"mx", "HOST", "*.mail.protection.outlook.com", "mx-rollup-list", rollup_mx_options,
                 sizeof(struct rollup_mx),
                 "A server of NAME.rollup, or *. and what servers are below: that needs "
                 "smtp-hosts in domain NAME.rollup, or rollup-by-ip: connections then count for "
                 "each address by itself. It stands inside of mx-rollup-list.",
                 "NAME.rollup [rollup-by-ip]", "outlook.rollup rollup-by-ip"},
    [KIND_MILTER_LISTENER] = {"milter-listener", "SOCKET", "unix:/run/sallyport/milter.sock", NULL,
                              milter_listener_options, sizeof(struct milter_listener),
                              "Where the mail server finds sallyport-milter: unix:/path, "
                              "inet:port@address or inet6:port@address."},
    [KIND_ACCT_FILE] = {"acct-file", "FILE", "/var/log/sallyport/acct.csv", NULL, acct_file_options,
                        sizeof(struct acct_file), "An accounting file in CSV."},
    [KIND_RECORD_FIELDS] = {"record-fields", "TYPE", "d", "acct-file", record_fields_options,
                            sizeof(struct record_fields),
                            "The columns of one type of records; it stands inside of acct-file."},
    [KIND_BOUNCE_CATEGORY_PATTERNS] =
        {"bounce-category-patterns", "", "", NULL, pattern_list_options,
         sizeof(struct pattern_list),
         "What a refusal is called in bounceCat. The first pattern that is found in the reply "
         "(550 5.1.1 No such user) or in its status (5.1.1 (bad destination mailbox address)) "
         "counts; what none is found in is called as without this section, by patterns of our "
         "own. Comments among patterns begin with #."},
    [KIND_PATTERN] = {"pattern", "/REGEX/", "/greylist/", "bounce-category-patterns",
                      pattern_options, sizeof(struct bounce_pattern),
                      "A Perl regular expression, in which a / stands behind a backslash and case "
                      "does not count; it may have spaces, quotes and #. // is found in all. The "
                      "category is one of PowerMTA's, such as spam-related, or a word of your "
                      "own. It stands inside of bounce-category-patterns.",
                      "CATEGORY", "policy-related"},
    [KIND_COUNT] = {.name = NULL},
};
