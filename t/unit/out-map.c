/* SPDX-License-Identifier: Apache-2.0 */
#include "proxy-out/map.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static const struct {
    const char *text;
    int got;
    const char *string;
    size_t used;
} frames[] = {
    {"5:hello,", 1, "hello", 8}, {"5:hello,3:abc,", 1, "hello", 8},
    {"0:,", 1, "", 3},           {"", 0, NULL, 0},
    {"5", 0, NULL, 0},           {"5:hell", 0, NULL, 0},
    {"5:hello", 0, NULL, 0},     {"5:hello;", -1, NULL, 0},
    {":hello,", -1, NULL, 0},    {"05:hello,", -1, NULL, 0},
    {"-1:,", -1, NULL, 0},       {"x", -1, NULL, 0},
    {"2049:", -1, NULL, 0},      {"99999999999999999999", -1, NULL, 0},
};

static void netstrings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(frames); i++) {
        struct span out;
        size_t used = 0;
        int got = netstring_read(span_of(frames[i].text), &out, &used);

        assert_row(got == frames[i].got, frames[i].text);
        if (got > 0)
            assert_row(span_is(out, frames[i].string) && used == frames[i].used, frames[i].text);
    }
}

/* Whatever is missing of a good one, more is asked for. */
static void netstrings_cut(void **state)
{
    static const char text[] = "11:transport *,";

    (void)state;
    for (size_t len = 0; len < sizeof text - 1; len++) {
        char *copy = malloc(len + 1);
        struct span out;
        size_t used;

        memcpy(copy, text, len);
        assert_int_equal(netstring_read((struct span){copy, len}, &out, &used), 0);
        free(copy);
    }
}

static void netstring_made(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 8);
    assert_true(netstring_write(&b, SPAN("hello")));
    assert_true(span_is(buf_peek(&b), "5:hello,"));
    assert_false(netstring_write(&b, SPAN("")));
    buf_clear(&b);
}

static const struct {
    const char *question, *answer; /* '=': as the row before, '#': other than that; else whole */
} questions[] = {
    {"transport user@example.com", "OK smtp:[127.28.235.204]:2525"},
    {"transport other@EXAMPLE.com", "="},
    {"transport a@b@example.com", "="},
    {"transport user@example.org", "#"},
    {"transport a@b\xc3\xbc"
     "cher.example",
     "#"},
    {"transport a@xn--bcher-kva.example", "="},
    {"transport a@[192.0.2.1]", "#"},
    {"transport user@local.example", "NOTFOUND "},
    {"transport user@LOCAL.example", "NOTFOUND "},
    {"transport *", "NOTFOUND "},
    {"transport root", "NOTFOUND "},
    {"transport example.com", "NOTFOUND "},
    {"transport @local.example", "NOTFOUND "},
    {"transport \"a@b\"@local.example", "NOTFOUND "},
    /* Nobody else is to deliver it, past our rules. */
    {"transport user@", "#"},
    {"transport @example.com", "#"},
    {"transport a@b c", "#"},
    {"transport a@b..c", "#"},
    {"transport a@-.c", "#"},
    {"transport a@[", "#"},
    {"transport a@[IPv6:2001:db8::1]", "#"},
    {"transport a@\xff\xfe.example", "#"},
    {"transport a@_srv.example", "#"},
    {"transport a@"
     "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
     "example",
     "#"},
    {"transport ", "NOTFOUND "},
    {"transport", "PERM no question"},
    {"", "PERM no question"},
    {" x", "PERM no question"},
};

static void transports(void **state)
{
    static const char *const names[] = {"other.example", "Local.Example"};
    struct texts local = {names, 2};
    char before[MAP_ANSWER_MAX] = "", now[MAP_ANSWER_MAX];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(questions); i++) {
        const char *want = questions[i].answer;

        map_answer(span_of(questions[i].question), &local, 2525, now);
        if (*want == '=' || *want == '#') {
            assert_row((strcmp(now, before) == 0) == (*want == '='), questions[i].question);
            assert_row(!strncmp(now, "OK smtp:[127.", 13), questions[i].question);
        } else {
            assert_row(!strcmp(now, want), now);
        }
        memcpy(before, now, sizeof before);
    }
}

/* Never 127.0.0.x, where other services listen, and never a network's first or last address. */
static void addresses(void **state)
{
    struct texts none = {NULL, 0};

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        char question[64], now[MAP_ANSWER_MAX];
        unsigned a, b, c, port;

        snprintf(question, sizeof question, "t u@d%u.example", i);
        map_answer(span_of(question), &none, 25, now);
        assert_int_equal(sscanf(now, "OK smtp:[127.%u.%u.%u]:%u", &a, &b, &c, &port), 4);
        assert_true(a < 256 && b < 256 && a + b > 0 && c > 0 && c < 255 && port == 25);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(netstrings),
                                       cmocka_unit_test(netstrings_cut),
                                       cmocka_unit_test(netstring_made),
                                       cmocka_unit_test(transports), cmocka_unit_test(addresses)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
