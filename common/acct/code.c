/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/code.h"

struct meaning {
    const char *number, *category;
};

/* clang-format off */
static const struct meaning details[] = {
    {"1.1", "bad-mailbox"},       {"1.2", "bad-domain"},           {"1.3", "bad-mailbox"},
    {"1.4", "bad-mailbox"},       {"1.6", "bad-mailbox"},          {"1.7", "invalid-sender"},
    {"1.8", "invalid-sender"},    {"1.10", "bad-domain"},          {"2.1", "inactive-mailbox"},
    {"2.2", "quota-issues"},      {"2.3", "content-related"},      {"3.1", "quota-issues"},
    {"3.2", "no-answer-from-host"}, {"3.3", "protocol-errors"},    {"3.4", "content-related"},
    {"3.5", "bad-configuration"}, {"4.1", "no-answer-from-host"},  {"4.2", "bad-connection"},
    {"4.3", "routing-errors"},    {"4.4", "routing-errors"},       {"4.5", "no-answer-from-host"},
    {"4.6", "routing-errors"},    {"4.7", "message-expired"},      {"5.1", "protocol-errors"},
    {"5.2", "protocol-errors"},   {"5.3", "policy-related"},       {"5.4", "protocol-errors"},
    {"5.5", "protocol-errors"},   {"6.1", "content-related"},      {"6.2", "content-related"},
    {"6.3", "content-related"},   {"6.4", "content-related"},      {"6.5", "content-related"},
    {"6.7", "bad-mailbox"},       {"7.20", "policy-related"},      {"7.23", "policy-related"},
    {"7.24", "policy-related"},   {"7.25", "policy-related"},      {"7.26", "policy-related"},
    {"7.27", "invalid-sender"},
};

/* Where the second number is all there is. */
static const struct meaning subjects[] = {
    {"1.", "bad-mailbox"},     {"4.", "routing-errors"},  {"5.", "protocol-errors"},
    {"6.", "content-related"}, {"7.", "policy-related"},
};

static const struct meaning codes[] = {
    {"421", "no-answer-from-host"}, {"452", "quota-issues"},    {"500", "protocol-errors"},
    {"501", "protocol-errors"},     {"502", "protocol-errors"}, {"503", "protocol-errors"},
    {"504", "protocol-errors"},     {"521", "bad-domain"},      {"530", "policy-related"},
    {"535", "policy-related"},      {"551", "bad-mailbox"},     {"552", "quota-issues"},
    {"553", "bad-mailbox"},         {"556", "bad-domain"},
};
/* clang-format on */

static struct span detail_of(struct span status)
{
    return status.len > 2 && status.at[1] == '.' ? span_after(status, 2) : SPAN("");
}

const char *code_of_status(struct span status)
{
    struct span detail = detail_of(status);

    for (size_t i = 0; i < COUNT_OF(details); i++) {
        if (span_is(detail, details[i].number))
            return details[i].category;
    }
    return NULL;
}

const char *code_at_last(struct span status, struct span reply)
{
    struct span detail = detail_of(status);

    for (size_t i = 0; i < COUNT_OF(subjects); i++) {
        if (span_starts_nocase(detail, subjects[i].number))
            return subjects[i].category;
    }
    for (size_t i = 0; i < COUNT_OF(codes); i++) {
        if (span_starts_nocase(reply, codes[i].number))
            return codes[i].category;
    }
    return "other";
}
