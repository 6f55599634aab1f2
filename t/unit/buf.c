/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdlib.h>

#include "base/block.h"
#include "t/lib/poison.h"
#include "unit.h"

static void the_ceiling_is_never_passed(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    assert_true(buf_add(&b, SPAN("123456")));
    assert_false(buf_add(&b, SPAN("78901")));
    assert_false(buf_addf(&b, "%d", 78901));
    assert_span(buf_peek(&b), "123456");
    assert_true(buf_addf(&b, "%d", 7890));
    assert_int_equal(buf_room(&b), 0);
    buf_drop(&b, 3);
    assert_true(buf_add(&b, SPAN("abc")));
    assert_span(buf_peek(&b), "4567890abc");
    assert_true(b.size <= 10);
    buf_clear(&b);
}

static void memory_comes_and_goes_with_the_bytes(void **state)
{
    struct buf b;
    char *at;

    (void)state;
    buf_init(&b, 132 * 1024);
    assert_null(b.bytes);
    assert_true(buf_add(&b, SPAN("250 2.0.0 Ok\r\n")));
    assert_true(b.size <= 1024); /* a short reply must not cost the ceiling */
    buf_drop(&b, 14);
    assert_null(b.bytes);
    assert_true(buf_space(&b, &at) >= 16384);
    assert_true(b.size < 128 * 1024); /* malloc's limit for mmap */
    buf_grew(&b, 0);
    assert_null(b.bytes);
}

static void a_read_gets_a_good_piece_or_what_there_is(void **state)
{
    struct buf b;
    char *at;

    (void)state;
    buf_init(&b, 131072);
    for (size_t got; (got = buf_space(&b, &at)) > 0; buf_grew(&b, got))
        memset(at, 'x', got);
    assert_int_equal(buf_len(&b), 131072);
    assert_int_equal(buf_space(&b, &at), 0);
    buf_drop(&b, 5000);
    assert_int_equal(buf_space(&b, &at), 5000);
    memcpy(at, "last", 4);
    buf_grew(&b, 4);
    assert_int_equal(buf_len(&b), 131072 - 5000 + 4);
    assert_memory_equal(buf_peek(&b).at + 131072 - 5000, "last", 4);
    buf_clear(&b);
}

static void one_at_a_time_has_the_shared_place(void **state)
{
    struct buf one, two;
    char *at, *first, *second;

    (void)state;
    buf_init(&one, 1 << 20);
    buf_init(&two, 1000);
    assert_true(buf_share(&one, &first) >= 16384);
    memcpy(first, "one", 3);
    buf_grew(&one, 3);
    assert_int_equal(buf_share(&two, &second), 1000);
    memset(second, '2', 1000);
    buf_grew(&two, 1000);
    assert_int_equal(buf_share(&two, &at), 0);
    assert_span(buf_peek(&one), "one"); /* the other had a place of its own */
    buf_clear(&two);

    /* What stays moves out, and whoever is next comes in. */
    buf_settle(&one);
    assert_true(one.bytes && one.bytes != first && one.size <= 1024);
    buf_settle(&one);
    assert_int_equal(buf_share(&two, &at), 1000);
    assert_ptr_equal(at, first);
    memset(at, '3', 1000);
    buf_grew(&two, 1000);
    assert_span(buf_peek(&one), "one");
    assert_true(buf_add(&one, SPAN(" and more")));
    assert_span(buf_peek(&one), "one and more");
    buf_drop(&two, 1000);
    buf_settle(&two); /* of nothing, nothing */
    assert_null(two.bytes);
    buf_clear(&one);
    assert_true(buf_share(&one, &at) > 1000);
    assert_ptr_equal(at, first);
    buf_grew(&one, 0);

    /* What outgrows it leaves it. */
    assert_true(buf_share(&one, &at) > 0);
    buf_grew(&one, 10);
    assert_non_null(buf_reserve(&one, 1 << 19));
    assert_true(one.bytes != first);
    assert_true(buf_share(&two, &at) > 0);
    assert_ptr_equal(at, first);
    buf_clear(&one);
    buf_clear(&two);
}

/* As with what was freed. */
static void sanitizers_see_who_holds_the_shared_place(void **state)
{
    struct buf b;
    char *at;

    (void)state;
    if (!poison_is_seen())
        return;
    buf_init(&b, 1000);
    assert_int_equal(buf_share(&b, &at), 1000);
    assert_false(is_poisoned(at));
    buf_clear(&b);
    assert_true(is_poisoned(at));
}

static void long_formats_fit_too(void **state)
{
    struct buf b;
    char text[3001];

    (void)state;
    memset(text, 'y', 3000);
    text[3000] = '\0';
    buf_init(&b, 3004);
    assert_true(buf_addf(&b, "%s\r\n", text));
    assert_int_equal(buf_len(&b), 3002);
    assert_false(buf_addf(&b, "%s", text));
    buf_clear(&b);
    buf_init(&b, 10); /* what no ceiling could hold is not even made */
    assert_false(buf_addf(&b, "%s", text));
    buf_clear(&b);
}

/* Against a plain array: any order of adds, spaces and drops. */
static void it_is_a_queue(void **state)
{
    struct buf b;
    unsigned seed = 7;
    unsigned char in = 0, out = 0;

    (void)state;
    buf_init(&b, 5000);
    for (int i = 0; i < 20000; i++) {
        seed = seed * 1103515245 + 12345;
        size_t n = (seed >> 16) % 900;
        char piece[900], *at;

        for (size_t k = 0; k < n; k++)
            piece[k] = (char)(in + k);
        if (seed & 0x400 && buf_add(&b, (struct span){piece, n})) {
            in = (unsigned char)(in + n);
        } else if (seed & 0x800 && buf_space(&b, &at) >= n) {
            memcpy(at, piece, n);
            buf_grew(&b, n);
            in = (unsigned char)(in + n);
        } else if (n <= buf_len(&b)) {
            for (size_t k = 0; k < n; k++)
                assert_int_equal((unsigned char)buf_peek(&b).at[k], out++);
            buf_drop(&b, n);
        }
        assert_true(b.size <= 5000 && buf_len(&b) <= 5000);
        assert_int_equal((unsigned char)(in - out), buf_len(&b) % 256);
    }
    buf_clear(&b);
}

/* The last: from here on they are kept. */
static void what_one_leaves_is_the_nexts(void **state)
{
    struct buf b;
    char *left;

    (void)state;
    blocks_keep();
    buf_init(&b, 1000);
    assert_true(buf_add(&b, SPAN("220 mx\r\n")));
    left = b.bytes;
    buf_clear(&b);
    assert_ptr_equal(block_get(256), left);
    block_give(left);
    assert_true(buf_add(&b, SPAN("250 2.0.0 Ok\r\n")));
    assert_ptr_equal(b.bytes, left);
    buf_clear(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_ceiling_is_never_passed),
        cmocka_unit_test(memory_comes_and_goes_with_the_bytes),
        cmocka_unit_test(a_read_gets_a_good_piece_or_what_there_is),
        cmocka_unit_test(one_at_a_time_has_the_shared_place),
        cmocka_unit_test(sanitizers_see_who_holds_the_shared_place),
        cmocka_unit_test(long_formats_fit_too),
        cmocka_unit_test(it_is_a_queue),
        cmocka_unit_test(what_one_leaves_is_the_nexts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
