/* SPDX-License-Identifier: Apache-2.0
 *
 * What workers take for an answer: nothing that is cut, too long, or leads outside of itself.
 */
#include "way/answer.h"

#include <stdlib.h>

#include "rule/sts.h"

#include "unit.h"

static struct answer a;

static void fill(enum question_kind kind, uint32_t count)
{
    memset(&a, 0, sizeof a);
    a.kind = kind;
    a.count = count;
}

static const struct {
    enum question_kind kind;
    uint32_t most;
} kinds[] = {
    {QUESTION_MAIL, ANSWER_HOSTS},
    {QUESTION_HOST, ANSWER_HOSTS},
    {QUESTION_TLSA, TLSA_MOST},
    {QUESTION_STS, ANSWER_STS_MX},
    {QUESTION_SEEN, 0},
    {QUESTION_GONE, 0},
    {QUESTION_SENT, ANSWER_SENT},
};

static void test_length(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        fill(kinds[i].kind, kinds[i].most);
        size_t whole = answer_size(&a);
        char *copy = malloc(whole);

        assert_true(whole <= sizeof a);
        memcpy(copy, &a, whole); /* not a byte more is looked at */
        assert_true(answer_is_whole((struct answer *)copy, whole));
        free(copy);
        assert_false(answer_is_whole(&a, whole + 1));
        for (size_t len = 0; len < whole; len++)
            assert_false(answer_is_whole(&a, len));
        a.count++;
        assert_false(answer_is_whole(&a, answer_size(&a)));
    }
    fill((enum question_kind)99, 0);
    assert_false(answer_is_whole(&a, answer_size(&a)));
    assert_false(answer_is_whole(&a, sizeof a));
}

static bool is_whole(void)
{
    return answer_is_whole(&a, answer_size(&a));
}

static void test_texts(void **state)
{
    (void)state;
    fill(QUESTION_MAIL, 2);
    memset(a.host[1].name, 'x', DNS_NAME);
    assert_false(is_whole());
    a.host[1].name[DNS_NAME - 1] = '\0';
    assert_true(is_whole());
    fill(QUESTION_TLSA, 0);
    memset(a.tlsa.base, 'x', DNS_NAME);
    assert_false(is_whole());
    fill(QUESTION_STS, 0);
    memset(a.sts.id, 'x', ANSWER_STS_ID);
    assert_false(is_whole());
    fill(QUESTION_STS, 2);
    memset(a.sts.mx[1], 'x', DNS_NAME);
    assert_false(is_whole());
}

static void test_numbers(void **state)
{
    (void)state;
    fill(QUESTION_TLSA, 2);
    a.tlsa.at[1].len = TLSA_DATA;
    assert_true(is_whole());
    a.tlsa.at[1].len = TLSA_DATA + 1;
    assert_false(is_whole());
    fill(QUESTION_STS, 0);
    a.sts.mode = STS_ENFORCE;
    a.sts.trouble = STS_WEBPKI_INVALID;
    assert_true(is_whole());
    a.sts.trouble++;
    assert_false(is_whole());
    a.sts.trouble = STS_FINE;
    a.sts.mode++;
    assert_false(is_whole());
    fill(QUESTION_SENT, 5);
    a.sent.key_len = 5;
    assert_true(is_whole());
    a.sent.key_len = 6;
    assert_false(is_whole());
}

/* Nobody said: of records whose lack would mean that none are demanded, too. */
static void test_failed(void **state)
{
    struct question q = {.number = 7, .kind = QUESTION_TLSA};

    (void)state;
    fill(QUESTION_MAIL, 3);
    answer_failed(&a, &q);
    assert_int_equal(7, a.number);
    assert_int_equal(ANSWER_FAILED, a.status);
    assert_int_equal(TLSA_FAILED, a.tlsa.state);
    assert_int_equal(0, a.lasts);
    assert_true(is_whole());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_length),
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_failed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
