/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include <stdio.h>

#include "proxy-in/envelope.h"

static struct party party(const char *mailbox, const char *label)
{
    return (struct party){span_of(mailbox), span_of(label)};
}

static bool asks(struct envelope *e, const char *mailbox, const char *label)
{
    struct party p = party(mailbox, label);

    return envelope_has_room(e, &p) && envelope_ask(e, &p);
}

/* Answers come in the order of the questions, and only what was accepted is kept. */
static void keeps_what_was_accepted(void **state)
{
    struct envelope e;
    struct party p;
    size_t at = 0;

    (void)state;
    envelope_init(&e);
    assert_false(envelope_is_busy(&e));
    assert_true(asks(&e, "from@a", "env") && asks(&e, "one@b", "rfc822;1") &&
                asks(&e, "two@b", "") && asks(&e, "three@b", ""));
    assert_true(envelope_is_busy(&e));
    assert_false(envelope_is_open(&e));
    assert_true(envelope_mail(&e, true) && envelope_rcpt(&e, true) && envelope_rcpt(&e, false) &&
                envelope_rcpt(&e, true));
    assert_true(envelope_is_open(&e));
    assert_int_equal(e.count, 2);
    assert_span(envelope_sender(&e).mailbox, "from@a");
    assert_span(envelope_sender(&e).label, "env");
    assert_true(envelope_next(&e, &at, &p));
    assert_span(p.mailbox, "one@b");
    assert_span(p.label, "rfc822;1");
    assert_true(envelope_next(&e, &at, &p));
    assert_span(p.mailbox, "three@b");
    assert_false(envelope_next(&e, &at, &p));
    envelope_reset(&e);
    assert_false(envelope_is_busy(&e));
    envelope_clear(&e);
}

/* <> is a sender, too. A second MAIL that is refused leaves the first. */
static void knows_what_is_open(void **state)
{
    struct envelope e;

    (void)state;
    envelope_init(&e);
    assert_true(asks(&e, "", "") && envelope_mail(&e, true));
    assert_true(envelope_is_open(&e));
    assert_true(asks(&e, "other@a", "") && envelope_mail(&e, false));
    assert_true(envelope_is_open(&e));
    assert_span(envelope_sender(&e).mailbox, "");
    assert_true(asks(&e, "r@b", ""));
    envelope_reset(&e);
    assert_true(envelope_is_busy(&e)); /* that question is still open */
    assert_true(envelope_rcpt(&e, false));
    assert_false(envelope_is_busy(&e));
    assert_true(envelope_rcpt(&e, true)); /* an answer too many does no harm */
    assert_true(asks(&e, "r@b", "") && envelope_rcpt(&e, true)); /* without MAIL, of no use */
    assert_int_equal(e.count, 0);
    envelope_clear(&e);
}

/* Whoever sends RCPT without end is stopped before memory is. */
static void has_a_ceiling(void **state)
{
    char mailbox[256];
    struct envelope e;
    unsigned count = 0;

    (void)state;
    envelope_init(&e);
    assert_true(asks(&e, "from@a", "") && envelope_mail(&e, true));
    memset(mailbox, 'x', sizeof mailbox - 1);
    mailbox[sizeof mailbox - 1] = '\0';
    while (asks(&e, mailbox, "")) {
        assert_true(envelope_rcpt(&e, true));
        assert_true(++count < 10000);
    }
    assert_true(count >= 1000); /* RFC 5321, 4.5.3.1.8 wants 100; Postfix takes 1000 */
    assert_true(buf_len(&e.accepted) <= ENVELOPE_ACCEPTED);
    envelope_clear(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_was_accepted),
        cmocka_unit_test(knows_what_is_open),
        cmocka_unit_test(has_a_ceiling),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
