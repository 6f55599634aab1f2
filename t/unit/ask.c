/* SPDX-License-Identifier: Apache-2.0
 *
 * An answer goes to who asked for it, in whatever order answers come, and to nobody else.
 */
#include "way/ask.h"

#include <event2/event.h>

#include "net/loop.h"

#include "unit.h"

enum { ASKS = 4 };

struct world {
    struct event_base *base;
    struct line *line;
    struct question heard[ASKS + 1];
    size_t count;
    struct ask ask[ASKS + 1];
    unsigned got[ASKS + 1]; /* the preference in what each was told; 0: nothing yet */
    unsigned gone;
};

static struct world w;

static void hear(void *arg, const struct question *q)
{
    (void)arg;
    assert_true(w.count < COUNT_OF(w.heard));
    w.heard[w.count++] = *q;
}

static void take(struct ask *a, const struct answer *answer)
{
    unsigned *got = a->arg;

    assert_int_equal(0, *got);
    *got = answer->host[0].preference;
}

static void begin(void)
{
    memset(&w, 0, sizeof w);
    w.base = loop_new();
    w.line = line_within(w.base, hear, NULL);
    for (size_t i = 0; i < ASKS; i++)
        ask_start(&w.ask[i], w.line, QUESTION_HOST, "mx.test", take, &w.got[i]);
    assert_int_equal(ASKS, w.count);
}

static void answer_to(uint32_t number, enum question_kind kind, unsigned value)
{
    static struct answer a;

    a = (struct answer){.number = number, .kind = kind, .count = kind == QUESTION_HOST};
    a.host[0].preference = value;
    line_answer(w.line, &a);
    (void)event_base_loop(w.base, EVLOOP_NONBLOCK);
}

static void end(void)
{
    line_free(&w.line);
    event_base_free(w.base);
}

static void test_order(void **state)
{
    (void)state;
    begin();
    for (size_t i = ASKS; i-- > 0;)
        answer_to(w.heard[i].number, QUESTION_HOST, (unsigned)i + 10);
    for (size_t i = 0; i < ASKS; i++)
        assert_int_equal(i + 10, w.got[i]);
    end();
}

static void test_nobodys(void **state)
{
    (void)state;
    begin();
    ask_cancel(&w.ask[1]);
    answer_to(w.heard[1].number, QUESTION_HOST, 7);
    answer_to(w.heard[ASKS - 1].number + 1, QUESTION_HOST, 7);
    answer_to(0, QUESTION_HOST, 7);
    answer_to(w.heard[2].number, QUESTION_HOST, 12);
    answer_to(w.heard[2].number, QUESTION_HOST, 13); /* twice */
    for (size_t i = 0; i < ASKS; i++)
        assert_int_equal(i == 2 ? 12 : 0, w.got[i]);
    for (size_t i = 0; i < ASKS; i++)
        ask_cancel(&w.ask[i]);
    end();
}

static void forget(void *arg)
{
    (void)arg;
    w.gone++;
}

/* That something was forgotten comes without a question. */
static void test_gone(void **state)
{
    (void)state;
    begin();
    line_forgets(w.line, forget, NULL);
    answer_to(0, QUESTION_HOST, 7);
    assert_int_equal(0, w.gone);
    answer_to(0, QUESTION_GONE, 0);
    assert_int_equal(1, w.gone);
    for (size_t i = 0; i < ASKS; i++) {
        assert_int_equal(0, w.got[i]);
        ask_cancel(&w.ask[i]);
    }
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_order), cmocka_unit_test(test_nobodys),
                                       cmocka_unit_test(test_gone)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
