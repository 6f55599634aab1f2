/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <ctype.h>
#include <limits.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/id.h"
#include "unit.h"

/* clang-format off */
static const struct { const char *in, *clean, *quoted; bool utf8; } texts[] = {
    {"plain", "plain", "plain", true},
    {"", "", "\"\"", true},
    {"two words", "two words", "\"two words\"", true},
    {"plain, then gr\xc3\xbc\xc3\x9f, then a\tb", "plain, then gr\xc3\xbc\xc3\x9f, then a?b",
     "\"plain, then gr\xc3\xbc\xc3\x9f, then a?b\"", true},
    {"a=b", "a=b", "\"a=b\"", true},
    {"say \"hi\\\"", "say \"hi\\\"", "\"say \\\"hi\\\\\\\"\"", true},
    {"a\r\nb\tc\033[1m\177", "a??b?c?[1m?", "a??b?c?[1m?", true},
    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", true},
    {"\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80", true},
    {"\xc2\x9b" "31m", "?31m", "?31m", true},                 /* CSI as a C1 control */
    {"a\xff" "b\xc3", "a?b?", "a?b?", false},
    {"\xc0\xaf", "??", "??", false},                          /* overlong */
    {"\xe0\x80\xaf", "???", "???", false},
    {"\xf0\x80\x80\xaf", "????", "????", false},
    {"\xed\xa0\x80", "???", "???", false},                    /* surrogate */
    {"\xf4\x90\x80\x80", "????", "????", false},              /* above U+10FFFF */
    {"\xe2\x82", "??", "??", false},
};

static const struct { const char *in; unsigned long most; bool ok; unsigned long n; } numbers[] = {
    {"0", 0, true, 0},       {"42", 42, true, 42},   {"42", 41, false, 0}, {"007", 9, true, 7},
    {"", 9, false, 0},       {"-1", 9, false, 0},    {"1 ", 9, false, 0},  {"+1", 9, false, 0},
    {"0x1", 99, false, 0},   {"1", 0, false, 0},
    {"18446744073709551615", ULONG_MAX, true, ULONG_MAX},
    {"18446744073709551616", ULONG_MAX, false, 0},
    {"99999999999999999999999", ULONG_MAX, false, 0},
};
/* clang-format on */

static void what_others_said_is_cleaned(void **state)
{
    char to[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        assert_int_equal(text_clean(to, sizeof to, span_of(texts[i].in)), strlen(texts[i].clean));
        assert_string_equal(to, texts[i].clean);
        assert_int_equal(text_quote(to, sizeof to, span_of(texts[i].in)), strlen(texts[i].quoted));
        assert_string_equal(to, texts[i].quoted);
        assert_row(text_is_utf8(span_of(texts[i].in)) == texts[i].utf8, texts[i].clean);
    }
    assert_int_equal(text_clean(to, sizeof to, (struct span){"a\0b", 3}), 3);
    assert_string_equal(to, "a?b");
}

/* Each byte at each place among eight and more, beside the plain rule. */
static void plain_is_what_needs_no_escape(void **state)
{
    (void)state;
    for (size_t at = 0; at < 50; at++) {
        for (int c = 0; c < 256; c++) {
            char text[51], copy[51];
            bool odd = c < ' ' || c >= 0x7f || c == '"' || c == '\\';

            memset(text, 'a', sizeof text);
            text[at] = (char)c;
            for (size_t len = at; len < sizeof text; len++) {
                struct span s = {text, len};

                assert_int_equal(text_plain(s), odd || len == at ? at : len);
                memset(copy, 'b', sizeof copy);
                assert_int_equal(text_copy_plain(copy, s), !odd || len == at);
                if (!odd || len == at)
                    assert_memory_equal(copy, text, len);
                assert_int_equal(copy[len], 'b'); /* nothing behind it */
            }
        }
    }
}

/* Whatever the room: it is kept to, there is a NUL, no character is cut, quotes are closed. */
static void cutting_is_clean_too(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        for (size_t size = 0; size < 24; size++) {
            char to[25];

            memset(to, 'Z', sizeof to);
            size_t len = text_clean(to, size, span_of(texts[i].in));
            assert_true(size == 0 || (len < size && to[len] == '\0'));
            assert_int_equal(to[size], 'Z');
            assert_memory_equal(to, texts[i].clean, len);
            assert_row(text_is_utf8((struct span){to, len}), texts[i].clean);

            memset(to, 'Z', sizeof to);
            len = text_quote(to, size, span_of(texts[i].in));
            assert_true(size == 0 || (len < size && to[len] == '\0'));
            assert_int_equal(to[size], 'Z');
            assert_row(len == 0 || to[0] != '"' || (len > 1 && to[len - 1] == '"'), texts[i].clean);

            memset(to, 'Z', sizeof to);
            text_copy(to, size, span_of(texts[i].in));
            assert_int_equal(to[size], 'Z');
        }
    }
}

static void numbers_are_all_of_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        unsigned long n = 0;
        bool ok = text_number(span_of(numbers[i].in), numbers[i].most, &n);

        assert_row(ok == numbers[i].ok && (!ok || n == numbers[i].n), numbers[i].in);
    }
}

static void the_clock_can_be_held(void **state)
{
    (void)state;
    double now = clock_now(), mono = clock_mono();

    assert_true(now > 1.7e9);
    clock_hold(1234.5);
    assert_true(clock_now() == 1234.5 && clock_mono() == 1234.5);
    clock_hold(0);
    assert_true(clock_now() == 0 && clock_mono() == 0);
    clock_hold(-1);
    assert_true(clock_now() >= now && clock_mono() >= mono);
}

static void ids_sort_and_never_meet(void **state)
{
    struct id last = id_next(), child;
    int ends[2];

    (void)state;
    for (size_t i = 0; last.text[i]; i++)
        assert_true(isalnum((unsigned char)last.text[i]));
    for (int i = 0; i < 100000; i++) {
        struct id next = id_next();

        assert_true(strcmp(last.text, next.text) < 0);
        last = next;
    }
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        child = id_next();
        _exit(write(ends[1], &child, sizeof child) != sizeof child);
    }
    assert_int_equal(read(ends[0], &child, sizeof child), sizeof child);
    waitpid(pid, NULL, 0);
    close(ends[0]);
    close(ends[1]);
    struct id next = id_next();
    assert_memory_not_equal(child.text, next.text, 13); /* start and pid tell them apart */
}

static void decimals_come_back(void **state)
{
    static const unsigned long some[] = {0, 7, 10, 4096, 18446744073709551615UL};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(some); i++) {
        char to[TEXT_DECIMAL];
        unsigned long n = 1;

        assert_true(
            text_number((struct span){to, text_decimal(to, some[i])}, 18446744073709551615UL, &n));
        assert_true(n == some[i]);
    }
    assert_int_equal(text_decimal((char[TEXT_DECIMAL]){""}, 0), 1);
}

static void bytes_are_two_digits(void **state)
{
    static const struct span bytes = SPAN("\0\x01\x7f\x80\xab\xff");
    char to[13] = "............";

    (void)state;
    assert_int_equal(text_hex(to, bytes), 12);
    assert_string_equal(to, "00017f80abff");
    assert_int_equal(text_hex(to, SPAN("")), 0);
    assert_string_equal(to, "00017f80abff");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_said_is_cleaned),
        cmocka_unit_test(plain_is_what_needs_no_escape),
        cmocka_unit_test(cutting_is_clean_too),
        cmocka_unit_test(numbers_are_all_of_it),
        cmocka_unit_test(decimals_come_back),
        cmocka_unit_test(bytes_are_two_digits),
        cmocka_unit_test(the_clock_can_be_held),
        cmocka_unit_test(ids_sort_and_never_meet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
