/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client cannot get past, and what it costs.
 */
#include "smtp/serve.h"

#include "unit.h"

static void begin(struct serve *s)
{
    struct request r;

    serve_init(s, SERVE_WORLD, false, DOT_REJECT);
    serve_answer(s, 0, SPAN("220 mx\r\n"));
    assert_true(serve_feed(s, SPAN("EHLO a\r\n")));
    assert_int_equal(serve_next(s, &r), 1);
    serve_answer(s, r.ticket, SPAN("250 mx\r\n"));
    buf_drop(&s->out, buf_len(&s->out));
}

/* Feeds `lead`, then `fill` up to `len` bytes in all with the CRLF, in pieces. */
static void feed_line(struct serve *s, const char *lead, size_t len)
{
    static char line[20000];
    struct request r;

    memset(line, 'x', len);
    memcpy(line, lead, strlen(lead));
    memcpy(line + len - 2, "\r\n", 2);
    for (size_t at = 0, piece; at < len; at += piece) {
        piece = len - at > 1500 ? 1500 : len - at;
        assert_true(serve_feed(s, (struct span){line + at, piece}));
        if (at + piece < len)
            assert_int_equal(serve_next(s, &r), 0);
    }
}

static void long_lines_are_dropped_and_never_run(void **state)
{
    static const struct {
        const char *lead;
        size_t max;
        const char *no;
    } lines[] = {
        {"NOOP ", SERVE_LINE_MAX, "500 5.5.2 Line too long\r\n"},
        {"AUTH PLAIN ", SERVE_AUTH_MAX, "500 5.5.6 Authentication exchange line is too long\r\n"},
    };
    struct serve s;
    struct request r;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        begin(&s);
        feed_line(&s, lines[i].lead, lines[i].max);
        assert_int_equal(serve_next(&s, &r), 1);
        assert_int_equal(r.arg.len + 5 + 2, lines[i].max);
        serve_answer(&s, r.ticket, SPAN("250 ok\r\n"));
        buf_drop(&s.out, 8);

        for (size_t len = lines[i].max + 1; len < lines[i].max + 4000; len += 499) {
            feed_line(&s, lines[i].lead, len);
            assert_int_equal(serve_next(&s, &r), 0);
            assert_span(buf_peek(&s.out), lines[i].no);
            buf_drop(&s.out, buf_len(&s.out));
            assert_int_equal(buf_len(&s.in), 0);
        }
        assert_true(serve_feed(&s, SPAN("NOOP\r\n")));
        assert_int_equal(serve_next(&s, &r), 1);
        serve_clear(&s);
    }
}

/* A long line's rest ends at CRLF as every line does, wherever it is cut. */
static void the_rest_of_a_long_line_ends_in_crlf(void **state)
{
    struct serve s;
    struct request r;

    (void)state;
    for (int broken = 0; broken < 2; broken++) {
        begin(&s);
        for (int i = 0; i < SERVE_LINE_MAX; i++)
            assert_true(serve_feed(&s, SPAN("x")));
        assert_int_equal(serve_next(&s, &r), 0);
        assert_true(serve_feed(&s, broken ? SPAN("QUIT") : SPAN("QUIT\r")));
        assert_int_equal(serve_next(&s, &r), 0);
        assert_true(serve_feed(&s, SPAN("\nNOOP\r\n")));
        assert_int_equal(serve_next(&s, &r), !broken);
        assert_int_equal(serve_is_over(&s), broken);
        serve_clear(&s);
    }
}

static void a_long_line_of_auth_ends_the_session(void **state)
{
    struct serve s;
    struct request r;

    (void)state;
    for (size_t over = 0; over < 2; over++) {
        begin(&s);
        assert_true(serve_feed(&s, SPAN("AUTH LOGIN\r\n")));
        assert_int_equal(serve_next(&s, &r), 1);
        serve_answer(&s, r.ticket, SPAN("334 \r\n"));
        buf_drop(&s.out, 6);
        feed_line(&s, "", SERVE_AUTH_MAX + over);
        assert_int_equal(serve_next(&s, &r), !over);
        assert_int_equal(serve_is_over(&s), over);
        assert_span(buf_peek(&s.out),
                    over ? "500 5.5.6 Authentication exchange line is too long\r\n" : "");
        serve_clear(&s);
    }
}

/* Says one command, and answers it. Was it heard? */
static bool say_one(struct serve *s, struct span line, struct span answer)
{
    struct request r;
    bool heard;

    assert_true(serve_feed(s, line));
    heard = serve_next(s, &r) == 1;
    if (heard)
        serve_answer(s, r.ticket, answer);
    buf_drop(&s->out, buf_len(&s->out));
    return heard;
}

static void send_message(struct serve *s, struct span outcome)
{
    assert_true(say_one(s, SPAN("DATA\r\n"), SPAN("354 go\r\n")));
    assert_true(say_one(s, SPAN(".\r\n"), outcome));
}

/* Only a message that was accepted allows more of it; our own MTA may go on for ever. */
static void idle_talk_has_an_end(void **state)
{
    static const struct {
        enum serve_role role;
        struct span outcome;
        bool goes_on;
    } cases[] = {
        {SERVE_WORLD, {"250 ok\r\n", 8}, true},
        {SERVE_WORLD, {"554 no\r\n", 8}, false},
        {SERVE_MTA, {"554 no\r\n", 8}, true},
    };
    struct serve s;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin(&s); /* its EHLO counts */
        s.role = cases[i].role;
        for (int n = 1; n < SERVE_IDLE_MAX; n++)
            assert_true(say_one(&s, SPAN("RSET\r\n"), SPAN("250 ok\r\n")));
        send_message(&s, cases[i].outcome);
        assert_int_equal(say_one(&s, SPAN("NOOP\r\n"), SPAN("250 ok\r\n")), cases[i].goes_on);
        assert_int_equal(serve_is_over(&s), !cases[i].goes_on);
        serve_clear(&s);
    }
}

/* RFC 4954, 4: challenges as long as responses; all else stays within SERVE_REPLY_MAX. */
static void a_challenge_may_be_long(void **state)
{
    static char long_one[SERVE_AUTH_MAX];
    struct span said = {long_one, sizeof long_one};
    struct serve s;
    struct request r;

    (void)state;
    memset(long_one, 'x', sizeof long_one);
    memcpy(long_one, "334 ", 4);
    for (int round = 0; round < 2; round++) {
        begin(&s);
        for (int i = 0; i < SERVE_DEPTH - 1; i++)
            assert_true(serve_feed(&s, SPAN("NOOP\r\n")));
        while (serve_next(&s, &r) > 0)
            serve_answer(&s, r.ticket, (struct span){long_one, SERVE_REPLY_MAX});
        assert_true(serve_feed(&s, SPAN("AUTH GSSAPI\r\n")));
        if (round == 0) /* a client that does not listen is not heard, so room is never short */
            buf_drop(&s.out, buf_len(&s.out));
        if (serve_next(&s, &r) > 0) {
            size_t before = buf_len(&s.out);

            serve_answer(&s, r.ticket, said);
            assert_int_equal(buf_len(&s.out), before + said.len);
        }
        assert_false(serve_is_over(&s));
        serve_clear(&s);
    }
}

static void a_long_bdat_ends_the_session(void **state)
{
    struct serve s;
    struct request r;

    (void)state;
    begin(&s);
    feed_line(&s, "BDAT 000", SERVE_LINE_MAX + 1);
    assert_int_equal(serve_next(&s, &r), 0);
    assert_span(buf_peek(&s.out), "521 5.5.4 Syntax: BDAT count [LAST]\r\n");
    assert_true(serve_is_over(&s));
    serve_clear(&s);
}

static void too_many_bad_commands_in_a_row(void **state)
{
    struct serve s;
    struct request r;

    (void)state;
    begin(&s);
    for (int i = 0; i < 3 * SERVE_BAD_MAX; i++) {
        if (i == SERVE_BAD_MAX - 1) { /* a good one starts the count anew */
            assert_true(serve_feed(&s, SPAN("NOOP\r\n")));
            assert_int_equal(serve_next(&s, &r), 1);
            serve_answer(&s, r.ticket, SPAN("250 ok\r\n"));
        }
        assert_int_equal(serve_is_over(&s), i >= 2 * SERVE_BAD_MAX - 1);
        assert_true(serve_feed(&s, SPAN("what\r\n")));
        assert_int_equal(serve_next(&s, &r), 0);
    }
    struct span last = SPAN("421 4.7.0 Too many bad commands\r\n");

    assert_memory_equal(buf_peek(&s.out).at + buf_len(&s.out) - last.len, last.at, last.len);
    serve_clear(&s);
}

/* Feeds commands, all well or a bad one now and then, until no more are heard. */
static unsigned ask_much(struct serve *s, bool well)
{
    struct request r;
    unsigned asks = 0;

    for (int i = 0; i < 200; i++) {
        if (!serve_feed(s, well || i % 8 ? SPAN("NOOP\r\n") : SPAN("what\r\n")))
            break;
        while (serve_next(s, &r) > 0)
            asks++;
    }
    return asks;
}

/* RFC 2920 lets a client ask much before it listens: there is a ceiling, and below it room for
 * the longest answers to all, and for a last word. */
static void who_does_not_listen_is_not_heard(void **state)
{
    static char longest[SERVE_REPLY_MAX];
    struct span reply = {longest, sizeof longest};

    (void)state;
    memset(longest, 'x', sizeof longest);
    for (unsigned rounds = 1; rounds < 5; rounds++) {
        struct serve s;

        begin(&s);
        for (unsigned i = 0; i < rounds; i++) {
            unsigned asks = ask_much(&s, rounds % 2);

            assert_true(asks <= SERVE_DEPTH && (i > 0 || asks > SERVE_DEPTH / 2));
            unsigned first = s.first;

            for (unsigned t = s.next; t != first; t--) /* backwards; those said are let be */
                serve_answer(&s, t - 1, i % 2 ? SPAN("250 ok\r\n") : reply);
            assert_false(serve_is_over(&s));
            assert_int_equal(s.first, s.next);
            assert_true(s.out.size <= s.out.ceiling);
        }
        size_t before = buf_len(&s.out);

        serve_end(&s, reply);
        assert_int_equal(buf_len(&s.out), before + reply.len);
        serve_clear(&s);
    }
}

static void only_so_many_wait_for_answers(void **state)
{
    struct serve s;
    struct request r;
    unsigned asks = 0;

    (void)state;
    begin(&s);
    for (int i = 0; i < 100; i++)
        assert_true(serve_feed(&s, SPAN("NOOP\r\n")));
    while (serve_next(&s, &r) > 0)
        asks++;
    assert_int_equal(asks, SERVE_DEPTH);
    for (unsigned t = r.ticket; serve_is_owed(&s, t); t--) /* backwards */
        serve_answer(&s, t, SPAN("250 ok\r\n"));
    assert_int_equal(buf_len(&s.out), SERVE_DEPTH * 8);
    assert_int_equal(serve_next(&s, &r), 1);
    serve_clear(&s);
}

/* A request that waits for somebody does not hold up the place that all reads share. */
static void who_waits_moves_out(void **state)
{
    struct serve s;
    struct request r;
    struct buf other;
    char *at, *then;

    (void)state;
    begin(&s);
    buf_init(&other, 100);
    assert_int_equal(serve_next(&s, &r), 0);
    assert_true(serve_space(&s, &at) > 0);
    memcpy(at, "NOOP\r\nVRFY ", 11);
    serve_grew(&s, 11);
    assert_int_equal(serve_next(&s, &r), 1);
    serve_settle(&s);
    assert_int_equal(buf_share(&other, &then), 100);
    assert_ptr_equal(then, at);
    memset(then, 'x', 100);
    assert_true(serve_feed(&s, SPAN("me\r\n")));
    assert_int_equal(serve_next(&s, &r), 1);
    assert_span(r.arg, "me");
    serve_clear(&s);
    buf_clear(&other);
}

/* A slow upstream: what came of the message waits in `in`, and no more is read. */
static void a_message_waits_in_place(void **state)
{
    struct serve s;
    struct request r;
    char *at;
    size_t took = 0;

    (void)state;
    begin(&s);
    assert_true(serve_feed(&s, SPAN("DATA\r\n")));
    assert_int_equal(serve_next(&s, &r), 1);
    serve_answer(&s, r.ticket, SPAN("354 go\r\n"));
    for (size_t got; (got = serve_space(&s, &at)) > 0; took += got) {
        memset(at, 'x', got);
        serve_grew(&s, got);
        assert_int_equal(serve_next(&s, &r), 0);
    }
    assert_int_equal(took, SERVE_IN_MAX);
    assert_int_equal(serve_body(&s).len, SERVE_IN_MAX);
    assert_int_equal(s.received, SERVE_IN_MAX);
    serve_body_drop(&s, 1000);
    assert_int_equal(serve_space(&s, &at), 1000);
    memcpy(at, "\r\n.\r\n", 5);
    serve_grew(&s, 5);
    assert_int_equal(serve_next(&s, &r), 1);
    assert_int_equal(r.verb, VERB_END);
    assert_int_equal(s.received, SERVE_IN_MAX + 2);
    serve_body_drop(&s, serve_body(&s).len);
    assert_null(s.in.bytes); /* the lone dot's line has gone with it */
    serve_answer(&s, r.ticket, SPAN("250 ok\r\n"));
    assert_true(serve_feed(&s, SPAN("DATA\r\n")));
    assert_int_equal(serve_next(&s, &r), 1);
    serve_answer(&s, r.ticket, SPAN("354 go\r\n"));
    assert_true(serve_feed(&s, SPAN("a\r\n.\r\n")));
    assert_int_equal(serve_next(&s, &r), 1);
    assert_int_equal(s.received, 3); /* counted anew */
    serve_clear(&s);
}

/* Ten thousand idle clients: what one costs is said here, so that nobody adds to it unaware. */
static void an_idle_session_is_small(void **state)
{
    struct serve s;
    struct request r;

    (void)state;
    begin(&s);
    assert_int_equal(serve_next(&s, &r), 0);
    assert_null(s.in.bytes);
    assert_null(s.out.bytes);
    assert_true(sizeof s <= 704);
    serve_clear(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(long_lines_are_dropped_and_never_run),
        cmocka_unit_test(the_rest_of_a_long_line_ends_in_crlf),
        cmocka_unit_test(a_long_line_of_auth_ends_the_session),
        cmocka_unit_test(idle_talk_has_an_end),
        cmocka_unit_test(a_challenge_may_be_long),
        cmocka_unit_test(a_long_bdat_ends_the_session),
        cmocka_unit_test(too_many_bad_commands_in_a_row),
        cmocka_unit_test(who_does_not_listen_is_not_heard),
        cmocka_unit_test(only_so_many_wait_for_answers),
        cmocka_unit_test(who_waits_moves_out),
        cmocka_unit_test(a_message_waits_in_place),
        cmocka_unit_test(an_idle_session_is_small),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
