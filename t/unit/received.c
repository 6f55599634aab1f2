/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/received.h"

#include "unit.h"

/* clang-format off */
static const struct { const char *name, *message, *by, *id; } cases[] = { /* by NULL: not found */
    {"Postfix", "Received: from c.test (localhost [127.0.0.1])\r\n\tby mx.lab.test (Postfix) with ESMTPSA id 3F5A112410A;\r\n"
                "\tThu, 21 Nov 2024 10:00:00 +0000 (UTC)\r\nSubject: a\r\n\r\n", "mx.lab.test", "3F5A112410A"},
    {"Postfix, for", "Received: from c (c [::1])\r\n\tby mx.lab.test (Postfix) with ESMTP id 4Wx for <b@y.test>; Thu\r\nX: y\r\n",
     "mx.lab.test", "4Wx"},
    {"Postfix, local", "Received: by mx.lab.test (Postfix, from userid 0)\r\n\tid 3E819126129; Thu\r\nX: y\r\n", "mx.lab.test", "3E819126129"},
    {"Sendmail", "Received: from c (c [1.2.3.4])\r\n\tby sm.lab.test (8.17.1.9/8.17.1.9) with ESMTP id 6ALJjMgM032503\r\n"
                 "\tfor <b@one.test>; Thu\r\nX: y\r\n", "sm.lab.test", "6ALJjMgM032503"},
    {"Exim", "Received: from c by ex.lab.test with esmtp (Exim 4.96)\r\n\t(envelope-from <a@x.test>)\r\n\tid 1xUrId-0002QH-2E\r\n"
             "\tfor b@y.test;\r\n\tThu\r\nX: y\r\n", "ex.lab.test", "1xUrId-0002QH-2E"},
    {"headers above it, folded ones too", "X-Milter: a\r\n b\r\n\tReceived: by no id no\r\nReceivedX: by no id no\r\n"
             "received: by mx id 1\r\nReceived: by two id 2\r\n\r\n", "mx", "1"},
    {"only the topmost", "Received: by mx id 1\r\nReceived: by other id 2\r\n", "mx", "1"},
    {"no field", "Subject: a\r\n\r\nReceived: by mx id 1\r\nX: y\r\n", NULL, NULL},
    {"an empty header", "\r\nReceived: by mx id 1\r\nX: y\r\n", NULL, NULL},
    {"no id", "Received: from a by mx with ESMTP; Thu\r\nX: y\r\n", NULL, NULL},
    {"no by", "Received: from a id 1; Thu\r\nX: y\r\n", NULL, NULL},
    {"not yet whole", "Received: by mx id 1\r\n", NULL, NULL},
    /* what a client can put there by its EHLO name or a recipient */
    {"words of the client do not count", "Received: from x by evil id EVIL; (c [1.2.3.4])\r\n\tby mx with ESMTP id GOOD; Thu\r\nX: y\r\n", "mx", "GOOD"},
    {"nor in comments", "Received: from c (by evil (id EVIL) x) by mx (a \\) by evil) id GOOD (id EVIL); Thu\r\nX: y\r\n", "mx", "GOOD"},
    {"nor in a recipient", "Received: from c by mx id GOOD for <\"a> id EVIL\"@y>; Thu\r\nX: y\r\n", "mx", "GOOD"},
    {"nor in a bare one", "Received: from c by mx id GOOD for \"a id EVIL\"@y; Thu\r\nX: y\r\n", "mx", "GOOD"},
    {"nor does Exim's comment hide what follows", "Received: from c by mx with esmtp (Exim 4.96)\r\n\t(envelope-from <\"x(\"@y.test>)\r\n\tid GOOD for b@z; Thu\r\nX: y\r\n", "mx", "GOOD"},
    {"or show what is in it", "Received: from c by mx (envelope-from <\"x) by evil id EVIL (\"@y.test>) id GOOD; Thu\r\nX: y\r\n", "mx", "GOOD"},
    {"a sign < in a comment", "Received: from c by mx (a < b) id GOOD; Thu\r\nX: y\r\n", "mx", "GOOD"},
    {"an open comment hides all", "Received: from ( by mx id GOOD; Thu\r\nX: y\r\n", NULL, NULL},
    {"strange letters are no id", "Received: by mx id a,b; Thu\r\nX: y\r\n", NULL, NULL},
};
/* clang-format on */

static void the_topmost_field_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t len = strlen(cases[i].message);

        for (size_t step = 1; step <= len; step += step < 40 ? 1 : len - 1) {
            struct span left = span_of(cases[i].message);
            struct received r;

            received_init(&r);
            for (size_t piece; left.len; left = span_after(left, piece)) {
                piece = left.len < step ? left.len : step;
                received_feed(&r, (struct span){left.at, piece});
            }
            assert_row((r.is == RECEIVED_FOUND) == (cases[i].by != NULL), cases[i].name);
            if (cases[i].by) {
                assert_string_equal(r.by, cases[i].by);
                assert_string_equal(r.id, cases[i].id);
            }
            assert_row(r.is == RECEIVED_LOOKS || r.field.bytes == NULL, cases[i].name);
            received_clear(&r);
        }
    }
}

/* Whatever comes, it holds no more than a field can be long. */
static void it_holds_little(void **state)
{
    static const char *const heads[] = {"X: ", "Received: ", "Received: by mx id 1 "};
    char block[1000];

    (void)state;
    memset(block, 'x', sizeof block);
    for (size_t i = 0; i < COUNT_OF(heads); i++) {
        struct received r;

        received_init(&r);
        received_feed(&r, span_of(heads[i]));
        for (int k = 0; k < 1000; k++) {
            received_feed(&r, (struct span){block, sizeof block});
            assert_true(r.field.size <= 4096);
        }
        assert_int_equal(r.is, i ? RECEIVED_NONE : RECEIVED_LOOKS);
        received_feed(&r, SPAN("\r\nReceived: by mx id 2\r\nX: y\r\n"));
        assert_int_equal(r.is, i ? RECEIVED_NONE : RECEIVED_FOUND);
        received_clear(&r);
    }
}

static void long_names_are_none(void **state)
{
    struct received r;

    (void)state;
    for (size_t len = 62; len < 66; len++) {
        char id[70];

        memset(id, 'A', len);
        received_init(&r);
        received_feed(&r, SPAN("Received: by mx id "));
        received_feed(&r, (struct span){id, len});
        received_feed(&r, SPAN("; Thu\r\n\r\n"));
        assert_int_equal(r.is, len < sizeof r.id ? RECEIVED_FOUND : RECEIVED_NONE);
        received_clear(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_topmost_field_is_read),
        cmocka_unit_test(it_holds_little),
        cmocka_unit_test(long_names_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
