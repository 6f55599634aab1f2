/* SPDX-License-Identifier: Apache-2.0
 *
 * A question that is none is not answered by "there are no TLSA records".
 */
#include "way/pins.h"

#include "unit.h"

static void take(void *arg, const struct answer *a)
{
    struct answer *to = arg;

    memcpy(to, a, answer_size(a));
}

static void test_port(void **state)
{
    static const uint32_t ports[] = {0, 65536, UINT32_MAX};
    static struct answer a;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ports); i++) {
        struct question q = {
            .number = 3, .kind = QUESTION_TLSA, .port = ports[i], .name = "mx.test"};

        memset(&a, 0, sizeof a);
        pins_start(NULL, &q, take, &a); /* who is asked would not survive it */
        assert_int_equal(3, a.number);
        assert_int_equal(TLSA_FAILED, a.tlsa.state);
        assert_int_equal(0, a.lasts);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_port)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
