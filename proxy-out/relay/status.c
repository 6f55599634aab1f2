/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/relay/status.h"

/* clang-format off */
static const struct { const char *detail, *text, *category; } details[] = {
    {"0.0", "other undefined status", "other"},
    {"1.0", "other address status", "bad-mailbox"},
    {"1.1", "bad destination mailbox address", "bad-mailbox"},
    {"1.2", "bad destination system address", "bad-domain"},
    {"1.3", "bad destination mailbox address syntax", "bad-mailbox"},
    {"1.4", "destination mailbox address ambiguous", "bad-mailbox"},
    {"1.5", "destination address valid", "other"},
    {"1.6", "destination mailbox has moved, no forwarding address", "bad-mailbox"},
    {"1.7", "bad sender's mailbox address syntax", "invalid-sender"},
    {"1.8", "bad sender's system address", "invalid-sender"},
    {"1.10", "recipient address has null MX", "bad-domain"},
    {"2.0", "other or undefined mailbox status", "other"},
    {"2.1", "mailbox disabled, not accepting messages", "inactive-mailbox"},
    {"2.2", "mailbox full", "quota-issues"},
    {"2.3", "message length exceeds administrative limit", "quota-issues"},
    {"2.4", "mailing list expansion problem", "other"},
    {"3.0", "other or undefined mail system status", "other"},
    {"3.1", "mail system full", "quota-issues"},
    {"3.2", "system not accepting network messages", "no-answer-from-host"},
    {"3.3", "system not capable of selected features", "protocol-errors"},
    {"3.4", "message too big for system", "content-related"},
    {"3.5", "system incorrectly configured", "bad-configuration"},
    {"4.0", "other or undefined network or routing status", "routing-errors"},
    {"4.1", "no answer from host", "no-answer-from-host"},
    {"4.2", "bad connection", "bad-connection"},
    {"4.3", "directory server failure", "routing-errors"},
    {"4.4", "unable to route", "routing-errors"},
    {"4.5", "mail system congestion", "no-answer-from-host"},
    {"4.6", "routing loop detected", "routing-errors"},
    {"4.7", "delivery time expired", "message-expired"},
    {"5.0", "other or undefined protocol status", "protocol-errors"},
    {"5.1", "invalid command", "protocol-errors"},
    {"5.2", "syntax error", "protocol-errors"},
    {"5.3", "too many recipients", "policy-related"},
    {"5.4", "invalid command arguments", "protocol-errors"},
    {"5.5", "wrong protocol version", "protocol-errors"},
    {"6.0", "other or undefined media error", "content-related"},
    {"6.1", "media not supported", "content-related"},
    {"6.2", "conversion required and prohibited", "content-related"},
    {"6.3", "conversion required but not supported", "content-related"},
    {"6.4", "conversion with loss performed", "content-related"},
    {"6.5", "conversion failed", "content-related"},
    {"6.7", "non-ASCII addresses not permitted for that sender/recipient", "bad-mailbox"},
    {"7.0", "other or undefined security status", "policy-related"},
    {"7.1", "delivery not authorized", "policy-related"},
    {"7.2", "mailing list expansion prohibited", "policy-related"},
    {"7.3", "security conversion required but not possible", "policy-related"},
    {"7.4", "security features not supported", "policy-related"},
    {"7.5", "cryptographic failure", "policy-related"},
    {"7.6", "cryptographic algorithm not supported", "policy-related"},
    {"7.7", "message integrity failure", "policy-related"},
};

/* Words that say more than a status does. */
static const struct { const char *word, *category; } words[] = {
    {"spam", "spam-related"},
    {"blacklist", "spam-related"},
    {"blocklist", "spam-related"},
    {"virus", "virus-related"},
    {"malware", "virus-related"},
    {"relay", "relaying-issues"},
    {"quota", "quota-issues"},
    {"mailbox full", "quota-issues"},
};
/* clang-format on */

static size_t find(const char *status)
{
    size_t i = 0;

    while (i < COUNT_OF(details) && strcmp(status + 2, details[i].detail) != 0)
        i++;
    return i;
}

static bool is_status(const char *status)
{
    return strlen(status) > 2 && status[1] == '.';
}

const char *status_text(const char *status)
{
    size_t i = is_status(status) ? find(status) : COUNT_OF(details);

    if (i == COUNT_OF(details))
        return "";
    return i == 0 && status[0] == '2' ? "success" : details[i].text;
}

static bool has_word(struct span text, const char *word)
{
    for (; text.len > 0; text = span_after(text, 1))
        if (span_starts_nocase(text, word))
            return true;
    return false;
}

const char *status_category(const char *status, struct span text)
{
    size_t at = is_status(status) ? find(status) : COUNT_OF(details);

    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (has_word(text, words[i].word))
            return words[i].category;
    return at < COUNT_OF(details) ? details[at].category : "other";
}
