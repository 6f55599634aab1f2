/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/relay/status.h"

/* clang-format off */
static const struct { const char *detail, *text; } details[] = {
    {"0.0", "other undefined status"},
    {"1.0", "other address status"},
    {"1.1", "bad destination mailbox address"},
    {"1.2", "bad destination system address"},
    {"1.3", "bad destination mailbox address syntax"},
    {"1.4", "destination mailbox address ambiguous"},
    {"1.5", "destination address valid"},
    {"1.6", "destination mailbox has moved, no forwarding address"},
    {"1.7", "bad sender's mailbox address syntax"},
    {"1.8", "bad sender's system address"},
    {"1.10", "recipient address has null MX"},
    {"2.0", "other or undefined mailbox status"},
    {"2.1", "mailbox disabled, not accepting messages"},
    {"2.2", "mailbox full"},
    {"2.3", "message length exceeds administrative limit"},
    {"2.4", "mailing list expansion problem"},
    {"3.0", "other or undefined mail system status"},
    {"3.1", "mail system full"},
    {"3.2", "system not accepting network messages"},
    {"3.3", "system not capable of selected features"},
    {"3.4", "message too big for system"},
    {"3.5", "system incorrectly configured"},
    {"4.0", "other or undefined network or routing status"},
    {"4.1", "no answer from host"},
    {"4.2", "bad connection"},
    {"4.3", "directory server failure"},
    {"4.4", "unable to route"},
    {"4.5", "mail system congestion"},
    {"4.6", "routing loop detected"},
    {"4.7", "delivery time expired"},
    {"5.0", "other or undefined protocol status"},
    {"5.1", "invalid command"},
    {"5.2", "syntax error"},
    {"5.3", "too many recipients"},
    {"5.4", "invalid command arguments"},
    {"5.5", "wrong protocol version"},
    {"6.0", "other or undefined media error"},
    {"6.1", "media not supported"},
    {"6.2", "conversion required and prohibited"},
    {"6.3", "conversion required but not supported"},
    {"6.4", "conversion with loss performed"},
    {"6.5", "conversion failed"},
    {"6.7", "non-ASCII addresses not permitted for that sender/recipient"},
    {"7.0", "other or undefined security status"},
    {"7.1", "delivery not authorized"},
    {"7.2", "mailing list expansion prohibited"},
    {"7.3", "security conversion required but not possible"},
    {"7.4", "security features not supported"},
    {"7.5", "cryptographic failure"},
    {"7.6", "cryptographic algorithm not supported"},
    {"7.7", "message integrity failure"},
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
