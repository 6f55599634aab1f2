/* SPDX-License-Identifier: Apache-2.0
 *
 * What others said stays text; numbers read well and never flatter; scales are round.
 */
#include "cli/report/markup.h"

#include <stdlib.h>

#include "base/text.h"
#include "cli/report/chart.h"
#include "t/unit/unit.h"

/* What is written by `call` on the stream `out`. */
#define WRITTEN(text, call)                          \
    do {                                             \
        size_t written;                              \
        FILE *out = open_memstream(&text, &written); \
        assert_non_null(out);                        \
        call;                                        \
        assert_int_equal(fclose(out), 0);            \
    } while (0)

/* clang-format off */
static const struct { const char *in, *out; } texts[] = {
    {"", ""},
    {"mx.example.com", "mx.example.com"},
    {"<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"},
    {"\" onload=\"x", "&quot; onload=&quot;x"},
    {"' a='b", "&#39; a=&#39;b"},
    {"a&lt;b", "a&amp;lt;b"},
    {"]]><!--", "]]&gt;&lt;!--"},
    {"a\x01\r\n\tb\x7f", "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" "b\xef\xbf\xbd"},
    {"\xc2\x9b" "31m", "\xef\xbf\xbd" "31m"},                    /* C1 */
    {"gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"\xd7\xa9\xd7\x9c", "\xd7\xa9\xd7\x9c"},                    /* Hebrew is no attack */
    {"a\xff\xc3", "a\xef\xbf\xbd\xef\xbf\xbd"},                  /* no UTF-8, a character cut short */
    {"\xc0\xbc", "\xef\xbf\xbd\xef\xbf\xbd"},                    /* an overlong '<' */
    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},    /* half a pair */
    {"\xef\xbf\xbe\xef\xb7\x90", "\xef\xbf\xbd\xef\xbf\xbd"},    /* U+FFFE, U+FDD0: no characters */
    {"moc\xe2\x80\xae" "evil", "moc[U+202E]evil"},               /* RTL override */
    {"\xe2\x81\xa6x\xe2\x81\xa9", "[U+2066]x[U+2069]"},          /* isolates */
    {"a\xe2\x80\x8b" "b\xef\xbb\xbf\xd8\x9c", "a[U+200B]b[U+FEFF][U+061C]"},
    {"\xe2\x80\xa8", "[U+2028]"},
    {"\xf3\xa0\x81\xa1", "[U+E0061]"},                           /* a tag nobody sees */
};

static const struct { const char *in; size_t most; const char *out; } cuts[] = {
    {"short", 5, "short"},          {"", 3, ""},
    {"longer", 5, "lo\xe2\x80\xa6" "er"}, {"abcdefgh", 4, "a\xe2\x80\xa6gh"},
    {"<<<<<<", 5, "&lt;&lt;\xe2\x80\xa6&lt;&lt;"},
    {"\xc3\xbc\xc3\xbc\xc3\xbc\xc3\xbc", 3, "\xc3\xbc\xe2\x80\xa6\xc3\xbc"},
    {"\xe2\x80\xae" "abcdefgh", 11, "\xe2\x80\xa6" "defgh"},           /* eight wide by itself */
    {"a\xe4\xb8\xad\xe4\xb8\xad\xe4\xb8\xad", 5, "a\xe2\x80\xa6\xe4\xb8\xad"},
    {"\xff\xff\xff\xff", 3, "\xef\xbf\xbd\xe2\x80\xa6\xef\xbf\xbd"},
};

static const struct { uint64_t number; const char *all, *shorter; } numbers[] = {
    {0, "0", "0"},
    {999, "999", "999"},
    {1000, "1\xe2\x80\xaf" "000", "1\xe2\x80\xafk"},
    {1500, "1\xe2\x80\xaf" "500", "1.5\xe2\x80\xafk"},
    {1002003, "1\xe2\x80\xaf" "002\xe2\x80\xaf" "003", "1\xe2\x80\xafM"},
    {250000000, "250\xe2\x80\xaf" "000\xe2\x80\xaf" "000", "250\xe2\x80\xafM"},
    {UINT64_MAX, "18\xe2\x80\xaf" "446\xe2\x80\xaf" "744\xe2\x80\xaf" "073\xe2\x80\xaf" "709\xe2\x80\xaf" "551\xe2\x80\xaf" "615",
     "18.4\xe2\x80\xaf" "E"},
};

static const struct { uint64_t part, whole; unsigned tenths; } shares[] = {
    {0, 0, 0},       {0, 5, 0},          {5, 5, 1000},      {1, 2, 500},      {1, 3, 333}, {2, 3, 667},
    {1, 1000000, 1}, {999999, 1000000, 999}, {7, 5, 1000},
    {UINT64_MAX - 1, UINT64_MAX, 999}, {1, UINT64_MAX, 1},
};

static const struct { uint64_t top; unsigned most; uint64_t step; } steps[] = {
    {0, 4, 1},   {1, 4, 1},   {4, 4, 1},   {5, 4, 2},     {8, 4, 2},       {9, 4, 5},
    {20, 4, 5},  {21, 4, 10}, {87000, 4, 50000}, {UINT64_MAX, 4, 5000000000000000000},
};
/* clang-format on */

static void what_others_said_stays_text(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        char *got;

        WRITTEN(got, markup_text(out, texts[i].in));
        assert_string_equal(got, texts[i].out);
        free(got);
    }
}

/* Whatever the bytes are, and wherever they end. */
static void no_bytes_break_out(void **state)
{
    static const char bad[] = "<\"'>&";

    (void)state;
    for (unsigned a = 1; a < 256; a++)
        for (unsigned b = 0; b < 256; b++) {
            char in[] = {(char)a, (char)b, '<', '\0'}, *got;

            WRITTEN(got, markup_text(out, in));
            for (char *at = got; *at; at++) {
                assert_true((uint8_t)*at >= ' ' && *at != 0x7f);
                assert_true(*at == '&' || !strchr(bad, *at));
            }
            assert_true(text_is_utf8(span_of(got)));
            free(got);
        }
}

static void lines_stay_lines(void **state)
{
    char *got;

    (void)state;
    WRITTEN(got, markup_lines(out, "a <b>\n    c\r\n\n"));
    assert_string_equal(got, "a &lt;b&gt;\n    c\xef\xbf\xbd\n\n");
    free(got);
    WRITTEN(got, markup_lines(out, "no end"));
    assert_string_equal(got, "no end");
    free(got);
}

static void long_names_lose_their_middle(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cuts); i++) {
        char *got;

        WRITTEN(got, markup_cut(out, cuts[i].in, cuts[i].most));
        assert_string_equal(got, cuts[i].out);
        free(got);
    }
}

static void numbers_can_be_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        char *got;

        WRITTEN(got, markup_number(out, numbers[i].number));
        assert_string_equal(got, numbers[i].all);
        free(got);
        WRITTEN(got, markup_short(out, numbers[i].number));
        assert_string_equal(got, numbers[i].shorter);
        free(got);
    }
}

static void only_all_is_a_hundred(void **state)
{
    char *got;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(shares); i++)
        assert_int_equal(markup_tenths(shares[i].part, shares[i].whole), shares[i].tenths);
    WRITTEN(got, (markup_share(out, 987, 1000), markup_share(out, 0, 0), markup_share(out, 0, 1)));
    assert_string_equal(got, "98.7\xe2\x80\xaf%\xe2\x80\x93"
                             "0.0\xe2\x80\xaf%");
    free(got);
    WRITTEN(got, (markup_count(out, 1, "row"), markup_count(out, 2000, "row")));
    assert_string_equal(got, "1\xc2\xa0row2\xe2\x80\xaf"
                             "000\xc2\xa0rows");
    free(got);
}

static void scales_are_round(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(steps); i++)
        assert_true(chart_step(steps[i].top, steps[i].most) == steps[i].step);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_others_said_stays_text),
        cmocka_unit_test(no_bytes_break_out),
        cmocka_unit_test(lines_stay_lines),
        cmocka_unit_test(long_names_lose_their_middle),
        cmocka_unit_test(numbers_can_be_read),
        cmocka_unit_test(only_all_is_a_hundred),
        cmocka_unit_test(scales_are_round),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
