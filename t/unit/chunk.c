/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/chunk.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/match.h"
#include "unit.h"

/* clang-format off */
static const struct { const char *name, *arg; bool well; unsigned long octets; bool last; } args[] = {
    {"a chunk",                         "1000",            true,  1000, false},
    {"the last one",                    "1000 LAST",       true,  1000, true},
    {"in any case, some spaces",        "7   last",        true,  7,    true},
    {"nothing",                         "0",               true,  0,    false},
    {"nothing, and the end",            "0 LAST",          true,  0,    true},
    {"zeros in front",                  "00000000000012",  true,  12,   false},
    {"the most",                        "2147483647",      true,  2147483647, false},
    {"more than some can count",        "2147483648",      false, 0, false},
    {"what 32 bits make 1 of",          "4294967297",      false, 0, false},
    {"beyond all counting",             "99999999999999999999999", false, 0, false},
    {"no count",                        "",                false, 0, false},
    {"no number",                       "LAST",            false, 0, false},
    {"negative",                        "-1",              false, 0, false},
    {"with a sign",                     "+1",              false, 0, false},
    {"in hex",                          "0x10",            false, 0, false},
    {"with a point",                    "10.",             false, 0, false},
    {"another word",                    "10 FIRST",        false, 0, false},
    {"more than LAST",                  "10 LAST x",       false, 0, false},
    {"words that grew together",        "10LAST",          false, 0, false},
    {"a tab",                           "10\tLAST",        false, 0, false},
};

/* Chunks of one message, "|" between; `reject` is what passes where bare ones are refused,
 * `clean` what normalizing makes of it; a "!" behind: and there it is refused. */
static const struct { const char *name, *in, *reject, *clean; } cases[] = {
    {"lines",                           "a\r\nb\r\n",          "a\r\nb\r\n",   "a\r\nb\r\n"},
    {"no end of line at the end",       "a\r\nb",              "a\r\nb",       "a\r\nb"},
    {"a lone dot is text",              "a\r\n.\r\nQUIT\r\n",  "a\r\n.\r\nQUIT\r\n", "a\r\n.\r\nQUIT\r\n"},
    {"a bare LF",                       "a\nb",                "a!",           "a b"},
    {"a bare CR",                       "a\rb",                "a!",           "a b"},
    {"LF dot LF",                       "a\n.\nb",             "a!",           "a . b"},
    {"LF dot CRLF",                     "a\n.\r\nb",           "a!",           "a .\r\nb"},
    {"CRLF dot LF",                     "a\r\n.\nb",           "a\r\n.!",      "a\r\n. b"},
    {"CR dot CR",                       "a\r.\rb",             "a!",           "a . b"},
    {"CRLF dot CR",                     "a\r\n.\rb",           "a\r\n.!",      "a\r\n. b"},
    {"CR CRLF",                         "a\r\r\nb",            "a!",           "a \r\nb"},
    {"CRLF LF",                         "a\r\n\nb",            "a\r\n!",       "a\r\n b"},
    {"a CR at the very end",            "a\r",                 "a!",           "a "},
    {"two chunks",                      "a\r\n|b\r\n",         "a\r\nb\r\n",   "a\r\nb\r\n"},
    {"CRLF over the border",            "a\r|\nb",             "a\r\nb",       "a\r\nb"},
    {"over a border with nothing in it", "a\r||\nb",           "a\r\nb",       "a\r\nb"},
    {"a CR, and then text",             "a\r|b",               "a\r!",         "a\r!"},
    {"a CR, and then a CR",             "a\r|\r\n",            "a\r!",         "a\r!"},
    {"a CR, and then a dot",            "a\r|.\r\n",           "a\r!",         "a\r!"},
    {"a CR, and then the end",          "a\r|",                "a\r!",         "a\r!"},
    {"an LF behind a border",           "a|\nb",               "a!",           "a b"},
    {"CRLF, border, LF",                "a\r\n|\n.\r\n",       "a\r\n!",       "a\r\n .\r\n"},
    {"CR LF CR over two borders",       "a\r|\n\r|\nb",        "a\r\n\r\nb",   "a\r\n\r\nb"},
    {"a CR alone in each",              "\r|\n|\r|\n",         "\r\n\r\n",     "\r\n\r\n"},
    {"NUL, as ~ here",                  "a~b",                 "a!",           "a b"},
    {"NUL inside of the CRLF",          "a\r~\nb",             "a!",           "a   b"},
    {"a CR, and then NUL",              "a\r|~b",              "a\r!",         "a\r!"},
};
/* clang-format on */

static void counts_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(args); i++) {
        struct chunk c;

        chunk_init(&c);
        assert_row(chunk_read(&c, span_of(args[i].arg)) == args[i].well, args[i].name);
        assert_row(c.left == args[i].octets && c.last == args[i].last, args[i].name);
    }
}

/* Reads one chunk in pieces of `step`; what passes goes behind `*len` of `out`. */
static bool read_chunk(struct chunk *c, enum dot_bare bare, struct span in, size_t step, char *out,
                       size_t *len)
{
    size_t from = 0, to = 0, seen;
    char *held = malloc(in.len + 1);
    bool well = true;

    assert_non_null(held);
    memcpy(held, in.at, in.len);
    for (size_t i = 0; i < in.len; i++)
        held[i] = held[i] == '~' ? '\0' : held[i];
    while (well && to < in.len) {
        to = in.len - to < step ? in.len : to + step;
        well = chunk_scan(c, bare, held + from, to - from, &seen);
        from += seen;
        assert_true(from <= to && c->left == in.len - from);
        assert_true(!well || from == to || (from + 1 == to && held[from] == '\r'));
    }
    memcpy(out + *len, held, from);
    *len += from;
    free(held);
    return well;
}

static void begin_chunk(struct chunk *c, size_t octets, bool last)
{
    char arg[64];

    snprintf(arg, sizeof arg, "%zu%s", octets, last ? " LAST" : "");
    assert_true(chunk_read(c, span_of(arg)));
}

static void check(const char *name, const char *in, enum dot_bare bare, const char *want,
                  size_t step)
{
    struct span rest = span_of(in);
    struct chunk c;
    char out[256];
    size_t len = 0;
    bool well = true;

    chunk_init(&c);
    while (well) {
        bool last = !memchr(rest.at, '|', rest.len);
        struct span one = span_cut(&rest, '|');

        begin_chunk(&c, one.len, last);
        well = read_chunk(&c, bare, one, step, out, &len);
        well = well && (c.left > 0 || !last || chunk_is_whole(&c));
        if (last)
            break;
    }
    if (!well)
        out[len++] = '!';
    if (!span_is((struct span){out, len}, want))
        fail_msg("%s, by %zu: '%.*s'", name, step, (int)len, out);
}

static void what_passes_has_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        for (size_t step = 1; step <= strlen(cases[i].in); step++) {
            check(cases[i].name, cases[i].in, DOT_REJECT, cases[i].reject, step);
            check(cases[i].name, cases[i].in, DOT_NORMALIZE, cases[i].clean, step);
        }
}

/* The same by the rules alone, one byte after the other, for one chunk that is the last. */
static size_t read_slowly(struct span in, char *text, bool *bare)
{
    *bare = false;
    for (size_t at = 0; at < in.len; at++) {
        bool end = in.at[at] == '\r' && at + 1 < in.len && in.at[at + 1] == '\n';

        text[at] = in.at[at];
        if (end) {
            at++;
            text[at] = '\n';
        } else if (memchr("\r\n", in.at[at], 3)) {
            *bare = true;
            text[at] = ' ';
        }
    }
    return in.len;
}

/* Every pattern of five interesting bytes, over the edge of a block and at the end. */
static void the_edges_of_blocks_hide_nothing(void **state)
{
    static const char letters[] = {'\r', '\n', '.', '\0', 'a'};
    char in[MATCH_BYTES + 8], slow[sizeof in], fast[sizeof in];

    (void)state;
    for (int pattern = 0; pattern < 3125; pattern++) {
        for (size_t at = MATCH_BYTES - 6; at <= MATCH_BYTES + 3; at++) {
            struct chunk c;
            bool bare;
            size_t seen;

            memset(in, 'b', sizeof in);
            for (int i = 0, p = pattern; i < 5; i++, p /= 5)
                in[at + (size_t)i] = letters[p % 5];
            read_slowly((struct span){in, sizeof in}, slow, &bare);
            chunk_init(&c);
            begin_chunk(&c, sizeof in, true);
            memcpy(fast, in, sizeof in);
            assert_true(chunk_scan(&c, DOT_NORMALIZE, fast, sizeof in, &seen));
            assert_int_equal(seen, sizeof in);
            assert_memory_equal(fast, slow, sizeof in);
            chunk_init(&c);
            begin_chunk(&c, sizeof in, true);
            assert_int_equal(chunk_scan(&c, DOT_REJECT, in, sizeof in, &seen), !bare);
            assert_true(!bare || memchr("\r\n", in[seen], 3));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_read),
        cmocka_unit_test(what_passes_has_lines),
        cmocka_unit_test(the_edges_of_blocks_hide_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
