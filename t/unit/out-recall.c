/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "proxy-out/relay/recall.h"

static bool reserve(void *spool, size_t bytes)
{
    return !spool && bytes > 0;
}

/* An entry as the facts process would give it; `awaited` from now on, 0: an outcome. */
struct entry {
    int awaited;
    const char *sender, *recipient;
};

static struct sent *made(const struct entry *e)
{
    struct buf value;
    struct sent *s;

    buf_init(&value, SENT_MAX);
    if (e->awaited)
        assert_true(sent_await(&value, (uint32_t)(clock_now() + e->awaited), e->sender));
    else
        assert_true(sent_begin(&value, 7, 8, e->sender, SPAN("250-a\r\n250 b\r\n")));
    assert_true(sent_add(&value, e->recipient));
    s = sent_read(SPAN("Q\0s.1.0.0"), buf_peek(&value));
    assert_non_null(s);
    for (size_t len = 0; len < buf_len(&value); len++) {
        struct sent *cut = sent_read(SPAN("Q\0s.1.0.0"), (struct span){buf_peek(&value).at, len});

        sent_free(&cut); /* whatever it is, it is not read beyond its end */
    }
    buf_clear(&value);
    return s;
}

static void what_is_awaited_defers_for_its_time(void **state)
{
    static const struct {
        struct entry entry[2];
        enum recall_found found;
    } rows[] = {
        {{{100, "a", "b"}}, RECALL_AWAITED},
        {{{-1, "a", "b"}}, RECALL_NONE},
        {{{100, "x", "b"}}, RECALL_NONE},
        {{{100, "a", "bb"}}, RECALL_NONE},
        {{{100, "a", "b"}, {-1, "a", "b"}}, RECALL_AWAITED},
        {{{-1, "a", "b"}, {100, "a", "b"}}, RECALL_AWAITED},
        {{{0, "a", "b"}}, RECALL_HIT},
        {{{100, "a", "b"}, {0, "a", "b"}}, RECALL_HIT},
        {{{0, "a", "b"}, {100, "a", "b"}}, RECALL_HIT},
        {{{0, "a", "c"}, {100, "a", "b"}}, RECALL_AWAITED},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        static char sender[] = "a", address[] = "b";
        struct recipient to = {.is = RCPT_WAITS, .address = address};
        struct relay r = {.t = {.sender = sender, .rcpt = &to, .count = 1}};

        for (size_t k = 2; k-- > 0;)
            if (rows[i].entry[k].sender) {
                struct sent *one = made(&rows[i].entry[k]);

                one->next = r.t.sent;
                r.t.sent = one;
            }
        serve_init(&r.client, SERVE_MTA, false, DOT_NORMALIZE);
        assert_int_equal(recall_rcpt(&r, 0), rows[i].found);
        assert_int_equal(to.is, rows[i].found == RECALL_HIT ? RCPT_REMEMBERED : RCPT_WAITS);
        assert_int_equal(to.sent != NULL && to.sent->awaited == 0, rows[i].found == RECALL_HIT);
        assert_int_equal(r.awaited, rows[i].found == RECALL_AWAITED);
        serve_clear(&r.client);
        sent_free(&r.t.sent);
    }
}

/* What a relay has to say, as one that pipelines hears it: in one go, once it is known what was
 * sent before. */
static void answers_before_it_wait_with_it(void **state)
{
    static const struct ids ids = {.xforward = true};
    const struct relay_conf conf = {
        .host_name = "h", .ids = ids, .remember = 9, .reserve = reserve};
    struct relay r;

    (void)state;
    relay_init(&r, &conf);
    assert_false(relay_holds_back(&r));
    buf_drop(&r.client.out, buf_len(&r.client.out));
    assert_true(serve_feed(&r.client, SPAN("EHLO m\r\n")));
    assert_int_equal(relay_turn(&r), RELAY_WAIT);
    assert_false(relay_holds_back(&r));
    buf_drop(&r.client.out, buf_len(&r.client.out));
    assert_true(serve_feed(&r.client, SPAN("XFORWARD IDENT=4abc\r\nMAIL FROM:<a>\r\n")));
    assert_int_equal(relay_turn(&r), RELAY_WAIT);
    assert_int_equal(r.recall, RECALL_WANTED);
    assert_true(relay_holds_back(&r));
    recall_answered(&r, NULL);
    assert_false(relay_holds_back(&r));
    assert_true(span_same(buf_peek(&r.client.out), SPAN("250 2.0.0 Ok\r\n250 2.1.0 Ok\r\n")));
    relay_clear(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_awaited_defers_for_its_time),
        cmocka_unit_test(answers_before_it_wait_with_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
