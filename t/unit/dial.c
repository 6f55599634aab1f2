/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/dial.h"

#include <stdio.h>

#include "unit.h"

static void be_greeted(struct dial *d)
{
    struct heard h;

    dial_init(d);
    assert_true(dial_feed(d, SPAN("220 mx\r\n")));
    assert_int_equal(dial_next(d, &h), 1);
}

/* What the upstream says, and the replies it must come to; -1 is what is no SMTP. */
/* clang-format off */
static const struct { const char *name, *in, *replies[4]; int last; } cases[] = {
    {"one line",                  "220 mx ESMTP\r\n",                   {"220 mx ESMTP\r\n"}, 0},
    {"several lines",             "250-mx\r\n250-SIZE\r\n250 HELP\r\n", {"250-mx\r\n250-SIZE\r\n250 HELP\r\n"}, 0},
    {"several replies",           "220 a\r\n250 b\r\n354 c\r\n",        {"220 a\r\n", "250 b\r\n", "354 c\r\n"}, 0},
    {"no text (RFC 5321, 4.2)",   "220 \r\n250\r\n",                    {"220 \r\n", "250\r\n"}, 0},
    {"not yet",                   "220-a\r\n220 b\r",                   {NULL}, 0},
    {"control characters go",     "550 a\033[2J\tb\177\r\n",            {"550 a?[2J\tb?\r\n"}, 0},
    {"a bare CR too",             "550 a\rb\r\r\n",                     {"550 a?b?\r\n"}, 0},
    {"UTF-8 stays",               "550 \xc3\xbc\r\n",                   {"550 \xc3\xbc\r\n"}, 0},
    {"LF alone",                  "220 mx\n",                           {NULL}, -1},
    {"another code at the end",   "250-a\r\n550 b\r\n",                 {NULL}, -1},
    {"no code",                   "hello there\r\n",                    {NULL}, -1},
    {"HTTP",                      "HTTP/1.1 400 Bad Request\r\n",       {NULL}, -1},
    {"half a code",               "25\r\n",                             {NULL}, -1},
    {"a code too long",           "2500 a\r\n",                         {NULL}, -1},
    {"an empty line",             "\r\n",                               {NULL}, -1},
    {"1yz is not of SMTP",        "120 wait\r\n",                       {NULL}, -1},
    {"nor 6yz",                   "620 a\r\n",                          {NULL}, -1},
    {"nobody asked",              "220 a\r\n250 b\r\n250 c\r\n250 d\r\n", {"220 a\r\n", "250 b\r\n", "250 c\r\n"}, -1},
    {"half a reply that nobody asked for", "220 a\r\n250 b\r\n250 c\r\n2", {"220 a\r\n", "250 b\r\n", "250 c\r\n"}, -1},
};
/* clang-format on */

static void replies_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t step = 1; step <= strlen(cases[i].in); step++) {
            struct span left = span_of(cases[i].in);
            struct dial d;
            struct heard h;
            unsigned count = 0;
            int got = 0;

            dial_init(&d);
            assert_true(dial_ask(&d, 17, SPAN("EHLO a\r\n")));
            assert_true(dial_ask(&d, 18, SPAN("DATA\r\n")));
            for (size_t len; got == 0 && left.len; left = span_after(left, len)) {
                len = left.len < step ? left.len : step;
                assert_true(dial_feed(&d, (struct span){left.at, len}));
                while ((got = dial_next(&d, &h)) > 0) {
                    assert_row(count < 4 && cases[i].replies[count], cases[i].name);
                    assert_span(h.text, cases[i].replies[count]);
                    assert_int_equal(h.ticket, count ? 16 + count : 0);
                    assert_int_equal(h.code / 100, h.text.at[0] - '0');
                    count++;
                }
            }
            assert_row(got == cases[i].last, cases[i].name);
            assert_row(count == 4 || !cases[i].replies[count], cases[i].name);
            dial_clear(&d);
        }
    }
}

static void nul_is_cleaned_as_well(void **state)
{
    struct dial d;
    struct heard h;

    (void)state;
    dial_init(&d);
    assert_true(dial_feed(&d, (struct span){"220 a\0b\r\n", 9}));
    assert_int_equal(dial_next(&d, &h), 1);
    assert_span(h.text, "220 a?b\r\n");
    assert_int_equal(h.code, 220);
    dial_clear(&d);
}

/* OpenSMTPD's CVE-2020-8794 was in reading replies: nothing here is endless. */
static void replies_have_a_ceiling(void **state)
{
    struct dial d;
    struct heard h;

    (void)state;
    for (int lines = 0; lines < 2; lines++) {
        size_t fed = 0;
        int got = 0;

        dial_init(&d);
        while (got == 0 && fed < 20000) {
            struct span more = lines ? SPAN("220-x\r\n") : fed ? SPAN("xxxxxxx") : SPAN("220 xxx");

            assert_true(dial_feed(&d, more));
            fed += more.len;
            got = dial_next(&d, &h);
        }
        assert_int_equal(got, -1);
        assert_true(fed >= DIAL_REPLY_MAX && fed <= DIAL_REPLY_MAX + 7);
        dial_clear(&d);
    }
    char longest[DIAL_REPLY_MAX], challenge[DIAL_CHALLENGE_MAX];

    memset(longest, 'x', sizeof longest);
    memcpy(longest, "220 ", 4);
    memcpy(longest + sizeof longest - 2, "\r\n", 2);
    dial_init(&d);
    assert_true(dial_feed(&d, (struct span){longest, sizeof longest}));
    assert_int_equal(dial_next(&d, &h), 1);
    /* RFC 4954, 4: one of AUTH may be longer */
    memset(challenge, 'x', sizeof challenge);
    memcpy(challenge, "334 ", 4);
    memcpy(challenge + sizeof challenge - 2, "\r\n", 2);
    for (size_t more = 0; more < 2; more++) {
        assert_int_equal(dial_next(&d, &h), 0); /* the last one goes */
        assert_true(dial_ask(&d, 1, SPAN("AUTH GSSAPI\r\n")));
        assert_true(dial_feed(&d, (struct span){challenge, sizeof challenge - 2}));
        assert_true(dial_feed(&d, more ? SPAN("x\r\n") : SPAN("\r\n")));
        assert_int_equal(dial_next(&d, &h), more ? -1 : 1);
        assert_int_equal(h.text.len, sizeof challenge);
    }
    dial_clear(&d);
}

static void questions_have_a_ceiling(void **state)
{
    struct dial d;
    unsigned asked = 0;
    char line[1024];

    (void)state;
    memset(line, 'x', sizeof line);
    dial_init(&d);
    while (dial_ask(&d, asked, SPAN("NOOP\r\n")))
        asked++;
    assert_int_equal(asked, DIAL_DEPTH - 1); /* the greeting is owed too */
    assert_false(dial_has_room(&d, 1));
    assert_false(dial_end(&d, 1));
    dial_clear(&d);
    dial_init(&d);
    for (asked = 0; dial_preface(&d, (struct span){line, sizeof line}); asked++)
        assert_true(buf_len(&d.out) <= DIAL_OUT_MAX);
    assert_int_equal(asked, DIAL_OUT_MAX / 1024);
    assert_false(dial_ask(&d, 1, SPAN("x")));
    assert_int_equal(dial_waits(&d), 1);
    dial_clear(&d);
}

/* All that goes to the wire, whatever each write takes: preface, commands, message, dot. */
static void pieces_go_in_order(void **state)
{
    static const char message[] = "Subject: a\r\n\r\n..b\r\n";

    (void)state;
    for (size_t most = 1; most < 60; most++) {
        struct span body = {message, sizeof message - 1}, piece[DIAL_PIECES];
        char wire[100];
        size_t len = 0;
        struct dial d;

        dial_init(&d);
        assert_true(dial_preface(&d, SPAN("PROXY x\r\n")));
        assert_true(dial_ask(&d, 1, SPAN("DATA\r\n")));
        for (bool ended = false; dial_pieces(&d, body, piece) || !ended;) {
            if (body.len < 10 && !ended) { /* the end comes while the message is going */
                assert_true(dial_end(&d, 2));
                ended = true;
                assert_false(dial_ask(&d, 3, SPAN("QUIT\r\n"))); /* not before the dot */
            }
            size_t pieces = dial_pieces(&d, body, piece), left = most;

            for (size_t i = 0; i < pieces; i++) { /* as writev() takes them */
                size_t take = piece[i].len < left ? piece[i].len : left;

                assert_true(piece[i].len > 0);
                memcpy(wire + len, piece[i].at, take);
                len += take;
                left -= take;
            }
            body = span_after(body, dial_went(&d, body, most - left));
        }
        assert_int_equal(body.len, 0);
        assert_span(((struct span){wire, len}),
                    "PROXY x\r\nDATA\r\nSubject: a\r\n\r\n..b\r\n.\r\n");
        assert_true(dial_ask(&d, 3, SPAN("QUIT\r\n")));
        assert_int_equal(dial_waits(&d), 4);
        dial_clear(&d);
    }
}

/* RFC 3207, 4.2 and 6; CVE-2021-38371: nothing may stand behind the 220. */
/* The octets go behind their command, as many as it says, and nothing is asked in between. */
static void a_chunk_goes_by_its_count(void **state)
{
    struct span pieces[DIAL_PIECES];
    struct dial d;

    (void)state;
    be_greeted(&d);
    assert_true(dial_chunk(&d, 1, SPAN("BDAT 5\r\n"), 5));
    assert_true(dial_is_sending(&d));
    assert_false(dial_ask(&d, 2, SPAN("NOOP\r\n")) || dial_end(&d, 2));
    assert_int_equal(dial_pieces(&d, SPAN("abcdefgh"), pieces), 2);
    assert_span(pieces[0], "BDAT 5\r\n");
    assert_span(pieces[1], "abcde");
    assert_int_equal(dial_went(&d, pieces[1], 10), 2);
    assert_true(dial_is_sending(&d));
    assert_int_equal(dial_pieces(&d, SPAN("cdefgh"), pieces), 1);
    assert_span(pieces[0], "cde");
    assert_int_equal(dial_went(&d, pieces[0], 3), 3);
    assert_false(dial_is_sending(&d));
    assert_true(dial_chunk(&d, 2, SPAN("BDAT 0 LAST\r\n"), 0));
    assert_false(dial_is_sending(&d));
    dial_clear(&d);
}

static void a_question_may_wait_for_the_next(void **state)
{
    struct span pieces[DIAL_PIECES];
    struct dial d;
    struct heard h;

    (void)state;
    be_greeted(&d);
    assert_true(dial_ask(&d, 1, SPAN("MAIL FROM:<>\r\n")));
    dial_defer(&d);
    assert_false(dial_has_pieces(&d));
    assert_int_equal(dial_pieces(&d, SPAN(""), pieces), 0);
    assert_int_equal(dial_waits(&d), 0);
    assert_int_equal(dial_next(&d, &h), 0);
    assert_true(dial_ask(&d, 2, SPAN("RCPT TO:<a>\r\n")));
    assert_int_equal(dial_waits(&d), 2);
    assert_int_equal(dial_pieces(&d, SPAN(""), pieces), 1);
    assert_span(pieces[0], "MAIL FROM:<>\r\nRCPT TO:<a>\r\n");
    assert_true(dial_feed(&d, SPAN("250 1\r\n250 2\r\n")));
    assert_true(dial_next(&d, &h) == 1 && h.ticket == 1);
    assert_true(dial_next(&d, &h) == 1 && h.ticket == 2);

    assert_int_equal(dial_went(&d, SPAN(""), pieces[0].len), 0);
    assert_true(dial_ask(&d, 3, SPAN("MAIL FROM:<>\r\n")));
    dial_defer(&d);
    dial_resume(&d);
    assert_int_equal(dial_pieces(&d, SPAN(""), pieces), 1);
    assert_int_equal(dial_waits(&d), 1);
    assert_true(dial_feed(&d, SPAN("250 3\r\n")));
    assert_true(dial_next(&d, &h) == 1 && h.ticket == 3);
    assert_true(dial_ask(&d, 4, SPAN("MAIL FROM:<>\r\n")));
    dial_defer(&d);
    assert_true(dial_feed(&d, SPAN("250 nobody asked yet\r\n")));
    assert_int_equal(dial_next(&d, &h), -1);
    dial_clear(&d);
}

static void nothing_comes_between_220_and_tls(void **state)
{
    static const char *const behind[] = {"", "", "250 injected\r\n", "", "2"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(behind); i++) {
        struct dial d;
        struct heard h;

        be_greeted(&d);
        assert_true(dial_ask(&d, 1, SPAN("STARTTLS\r\n")));
        assert_false(dial_secured(&d)); /* it owes an answer */
        assert_int_equal(dial_went(&d, SPAN(""), 10 - i % 2), 0);
        assert_true(dial_feed(&d, SPAN("220 go\r\n")));
        assert_true(dial_feed(&d, span_of(behind[i])));
        assert_int_equal(dial_next(&d, &h), 1);
        assert_int_equal(dial_secured(&d), i == 0); /* of the odd ones not all had gone */
        dial_clear(&d);
    }
}

static void an_idle_one_is_small(void **state)
{
    struct dial d;
    struct heard h;

    (void)state;
    be_greeted(&d);
    assert_int_equal(dial_next(&d, &h), 0);
    assert_null(d.in.bytes);
    assert_null(d.out.bytes);
    assert_true(sizeof d <= 256);
    dial_clear(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replies_are_whole),
        cmocka_unit_test(nul_is_cleaned_as_well),
        cmocka_unit_test(replies_have_a_ceiling),
        cmocka_unit_test(questions_have_a_ceiling),
        cmocka_unit_test(pieces_go_in_order),
        cmocka_unit_test(a_chunk_goes_by_its_count),
        cmocka_unit_test(a_question_may_wait_for_the_next),
        cmocka_unit_test(nothing_comes_between_220_and_tls),
        cmocka_unit_test(an_idle_one_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
