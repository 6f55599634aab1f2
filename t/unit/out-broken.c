/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/kept/broken.h"

#include "unit.h"

static struct addr at(unsigned n, uint16_t port)
{
    return (struct addr){.ip = {[12] = 10, [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n},
                         .port = port};
}

static void for_a_while(void **state)
{
    struct broken *b = broken_new();
    struct addr one = at(1, 25), port = at(1, 26), two = at(2, 25);

    (void)state;
    assert_int_equal(broken_how(b, &one, 0), FAIL_NOT);
    broken_note(b, &one, FAIL_STALLED, 100);
    assert_int_equal(broken_how(b, &one, 100), FAIL_STALLED);
    assert_int_equal(broken_how(b, &one, 99 + BROKEN_SECONDS), FAIL_STALLED);
    assert_int_equal(broken_how(b, &one, 100 + BROKEN_SECONDS), FAIL_NOT);
    assert_int_equal(broken_how(b, &port, 100), FAIL_NOT);
    assert_int_equal(broken_how(b, &two, 100), FAIL_NOT);
    broken_note(b, &one, FAIL_HANDSHAKE, 700); /* again, and from then on */
    assert_int_equal(broken_how(b, &one, 1299), FAIL_HANDSHAKE);
    broken_note(b, &one, FAIL_NOT, 1299); /* it works */
    assert_int_equal(broken_how(b, &one, 1299), FAIL_NOT);
    broken_free(&b);
    assert_null(b);
}

/* The oldest go; the table does not grow. */
static void so_many(void **state)
{
    struct broken *b = broken_new();

    (void)state;
    for (unsigned i = 0; i < BROKEN_MOST + 10; i++) {
        struct addr a = at(i, 25);

        broken_note(b, &a, FAIL_HANDSHAKE, i);
    }
    for (unsigned i = 0; i < BROKEN_MOST + 10; i++) {
        struct addr a = at(i, 25);

        assert_int_equal(broken_how(b, &a, 300), i < 10 ? FAIL_NOT : FAIL_HANDSHAKE);
    }
    broken_free(&b);
}

/* What of an attempt is remembered. */
static const struct {
    const char *name;
    enum demand_level level;
    enum fail before, tls_fail;
    bool secure;
    enum fail after; /* BROKEN_SECONDS less one after the attempt, and more after `before` */
} attempts[] = {
    {"it breaks", DEMAND_MAY, FAIL_NOT, FAIL_HANDSHAKE, false, FAIL_HANDSHAKE},
    {"it stalls", DEMAND_MAY, FAIL_NOT, FAIL_STALLED, false, FAIL_STALLED},
    {"where TLS is demanded, it is tried each time", DEMAND_ENCRYPT, FAIL_NOT, FAIL_STALLED, false,
     FAIL_NOT},
    {"it was not even tried", DEMAND_MAY, FAIL_STALLED, FAIL_STALLED, false, FAIL_NOT},
    {"it is not offered", DEMAND_MAY, FAIL_NOT, FAIL_NO_STARTTLS, false, FAIL_NOT},
    {"something was injected", DEMAND_MAY, FAIL_NOT, FAIL_INJECTED, false, FAIL_NOT},
    {"it is refused", DEMAND_MAY, FAIL_NOT, FAIL_STARTTLS_REFUSED, false, FAIL_NOT},
    {"it works", DEMAND_MAY, FAIL_NOT, FAIL_NOT, true, FAIL_NOT},
    {"it works again", DEMAND_ENCRYPT, FAIL_STALLED, FAIL_NOT, true, FAIL_NOT},
};

static void what_is_learnt(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(attempts); i++) {
        struct broken *b = broken_new();
        struct remote remote = {
            .at = at(1, 25), .tls_fail = attempts[i].tls_fail, .secure = attempts[i].secure};
        struct demand demand = {.level = attempts[i].level, .broken = attempts[i].before};

        if (attempts[i].before != FAIL_NOT)
            broken_note(b, &remote.at, attempts[i].before, 100);
        broken_learn(b, &demand, &remote, 300);
        assert_row(broken_how(b, &remote.at, 299 + BROKEN_SECONDS) == attempts[i].after,
                   attempts[i].name);
        if (attempts[i].secure)
            assert_row(broken_how(b, &remote.at, 300) == FAIL_NOT, attempts[i].name);
        broken_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(for_a_while), cmocka_unit_test(so_many),
                                       cmocka_unit_test(what_is_learnt)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
