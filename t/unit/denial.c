/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include "behind/denial.h"

/* clang-format off */
static const struct {
    const char *reply;
    enum denial shows;
} replies[] = {
    /* What mail servers say of relaying. */
    {"554 5.7.1 <probe@relay-test.invalid>: Relay access denied\r\n", DENIAL_REFUSES},
    {"454 4.7.1 <probe@relay-test.invalid>: Relay access denied\r\n", DENIAL_REFUSES},
    {"554 5.7.1 <probe@relay-test.invalid>: Recipient address rejected: Access denied\r\n", DENIAL_REFUSES},
    {"550 5.7.1 <probe@relay-test.invalid>... Relaying denied. IP name lookup failed [192.0.2.1]\r\n", DENIAL_REFUSES},
    {"550 5.7.1 <probe@relay-test.invalid>... Relaying denied. Proper authentication required.\r\n", DENIAL_REFUSES},
    {"550 relay not permitted\r\n", DENIAL_REFUSES},
    {"550 Relay Not Permitted\r\n", DENIAL_REFUSES},
    {"550-Verification failed\r\n550 relay not permitted\r\n", DENIAL_REFUSES},
    {"550 Invalid recipient\r\n", DENIAL_REFUSES},
    {"550 5.7.1 relaying not permitted\r\n", DENIAL_REFUSES},
    {"550 5.7.1 Unable to relay\r\n", DENIAL_REFUSES},
    {"550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain\r\n", DENIAL_REFUSES},
    {"553 sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)\r\n", DENIAL_REFUSES},
    {"513 Relaying denied.\r\n", DENIAL_REFUSES},
    {"551 we do not relay\r\n", DENIAL_REFUSES},
    {"550 5.7.1 No\r\n", DENIAL_REFUSES},
    {"530 5.7.0 Authentication required\r\n", DENIAL_REFUSES},
    {"530 5.7.0 Must issue a STARTTLS command first\r\n", DENIAL_REFUSES},
    /* About something else: the answer to another might be yes. */
    {"550 No\r\n", DENIAL_NOT_KNOWN},
    {"550 5.1.1 No such user\r\n", DENIAL_NOT_KNOWN},
    {"550 5.1.2 Domain not found\r\n", DENIAL_NOT_KNOWN},
    {"550 5.1.2 Invalid recipient: no such domain\r\n", DENIAL_NOT_KNOWN},
    {"556 5.1.10 Domain does not accept mail\r\n", DENIAL_NOT_KNOWN},
    {"450 4.1.2 <probe@relay-test.invalid>: Recipient address rejected: Domain not found\r\n", DENIAL_NOT_KNOWN},
    {"554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.example\r\n", DENIAL_NOT_KNOWN},
    {"554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied\r\n", DENIAL_NOT_KNOWN},
    {"450 4.7.25 Client host rejected: cannot find your hostname, [192.0.2.1]\r\n", DENIAL_NOT_KNOWN},
    {"554 5.7.1 <probe@x.test>: Sender address rejected: Access denied\r\n", DENIAL_NOT_KNOWN},
    {"550 5.7.1 <x.test>: Helo command rejected: Access denied\r\n", DENIAL_NOT_KNOWN},
    {"550 5.7.1 192.0.2.1 is listed at bl.example\r\n", DENIAL_NOT_KNOWN},
    {"550 5.7.23 SPF validation failed\r\n", DENIAL_NOT_KNOWN},
    {"550 5.7.1 SPF says no\r\n", DENIAL_NOT_KNOWN},
    {"451 4.7.1 Greylisted, try again later\r\n", DENIAL_NOT_KNOWN},
    {"450 4.7.1 Try again later\r\n", DENIAL_NOT_KNOWN},
    {"450 4.2.0 <probe@relay-test.invalid>: Recipient address rejected: Greylisted\r\n", DENIAL_NOT_KNOWN},
    {"451 4.3.0 Temporary failure\r\n", DENIAL_NOT_KNOWN},
    {"421 4.7.0 Relay access denied\r\n", DENIAL_NOT_KNOWN},
    {"421 4.3.2 Too busy\r\n", DENIAL_NOT_KNOWN},
    {"500 5.5.2 What\r\n", DENIAL_NOT_KNOWN},
    {"503 5.5.1 MAIL first\r\n", DENIAL_NOT_KNOWN},
    {"354 Go on\r\n", DENIAL_NOT_KNOWN},
    /* It takes it, whatever it says. */
    {"250 2.1.5 Ok\r\n", DENIAL_RELAYS},
    {"251 Will forward\r\n", DENIAL_RELAYS},
    {"252 Relay access denied, perhaps\r\n", DENIAL_RELAYS},
};
/* clang-format on */

static void reads_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(replies); i++)
        assert_row(denial_read(span_of(replies[i].reply)) == replies[i].shows, replies[i].reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_replies),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
