/* SPDX-License-Identifier: Apache-2.0
 *
 * Until when a server must have moved on; and that our client, with its usual limits, always hears
 * of it before it has lost patience itself.
 */
#include "proxy-out/relay/patience.h"

#include "unit.h"

enum { NOW = 1000 };

static const struct {
    const char *what;
    enum server_owes owes;
    unsigned long send, end; /* data-send-timeout, smtp-data-termination-timeout; 0: no rule */
    bool lmtp;
    double dot_at, until;
} rows[] = {
    {"nothing", OWES_NOTHING, 180, 540, true, 0, 0},
    {"RCPT: 300 s", OWES_REPLY, 180, 540, false, 0, NOW + 240},
    {"DATA: 120 s", OWES_DATA, 180, 540, false, 0, NOW + 110},
    {"more of a message: the rule's", OWES_BODY, 180, 540, true, 0, NOW + 180},
    {"but others wait", OWES_LAGS, 180, 540, true, 0, NOW + 60},
    {"who would not wait so long for one alone", OWES_LAGS, 3, 540, true, 0, NOW + 3},
    {"the end: the rule's", OWES_FINAL, 180, 30, true, NOW, NOW + 30},
    {"over SMTP there is nobody behind", OWES_FINAL, 180, 600, false, NOW, NOW + 600},
    {"over LMTP there is: 600 s for all", OWES_FINAL, 180, 600, true, NOW, NOW + 540},
    {"counted from the dot", OWES_FINAL, 180, 540, true, NOW - 100, NOW + 440},
    {"also before it has had the message", OWES_BODY, 3600, 540, true, NOW - 100, NOW + 440},
    {"and by who lags", OWES_LAGS, 180, 540, true, NOW - 530, NOW + 10},
    {"over SMTP the dot is nothing", OWES_BODY, 180, 540, false, NOW - 500, NOW + 180},
    {"not said yet", OWES_BODY, 3600, 540, true, 0, NOW + 3600},
    {"no rule is known", OWES_FINAL, 0, 0, false, NOW, NOW + 240},
    {"no rule is known", OWES_BODY, 0, 0, false, 0, NOW + 240},
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct domain rule = {.data_send_timeout = rows[i].send,
                              .smtp_data_termination_timeout = rows[i].end};
        struct patience p = {.owes = rows[i].owes,
                             .rule = rows[i].send ? &rule : NULL,
                             .lmtp = rows[i].lmtp,
                             .dot_at = rows[i].dot_at};

        if (patience_until(&p, NOW) != rows[i].until)
            fail_msg("%s: %g", rows[i].what, patience_until(&p, NOW) - NOW);
    }
}

/* Whatever it is that each of several servers does, over LMTP, and however often it moves on. */
static void test_never_beyond(void **state)
{
    struct domain rule = {.data_send_timeout = 3600, .smtp_data_termination_timeout = 600};

    (void)state;
    for (enum server_owes owes = OWES_BODY; owes <= OWES_FINAL; owes++)
        for (double now = NOW; now < NOW + 540; now += 7)
            assert_true(
                patience_until(
                    &(struct patience){.owes = owes, .rule = &rule, .lmtp = true, .dot_at = NOW},
                    now) <= NOW + 540);
}

/* The mail server waits 300 s for its first RCPT, and for each answer after that. */
static const struct {
    double rcpt_at, now, want;
} firsts[] = {{1000, 1000, 1240}, {1000, 1050, 1290}, {1000, 1240, 1290},
              {1000, 1280, 1290}, {0, 1000, 1240},    {0, 5000, 5240}};

static void first_rcpt(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(firsts); i++) {
        struct patience p = {.owes = OWES_REPLY, .rcpt_at = firsts[i].rcpt_at};

        assert_true(patience_until(&p, firsts[i].now) == firsts[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_rcpt),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_never_beyond),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
