/* SPDX-License-Identifier: Apache-2.0 */
#include "smtp/dot.h"

#include <stdlib.h>

#include "base/match.h"
#include "unit.h"

/* clang-format off */
static const struct {
    const char *name, *in;
    enum dot_verdict reject; /* what DOT_REJECT says of it */
    size_t seen;
    const char *clean;       /* what DOT_NORMALIZE passes on; NULL: as it came */
} cases[] = {
    /* RFC 5321, 4.1.1.4 and 4.5.2 */
    {"the lone dot ends it",            ".\r\n",              DOT_END,  0, ""},
    {"and nothing behind it is taken",  "a\r\n.\r\nMAIL",     DOT_END,  3, "a\r\n"},
    {"an empty line before it",         "\r\n.\r\n",          DOT_END,  2, "\r\n"},
    {"a stuffed dot does not",          "..\r\n",             DOT_MORE, 4, NULL},
    {"nor a dot before text",           ".a\r\n",             DOT_MORE, 4, NULL},
    {"nor a dot behind text",           "a.\r\n",             DOT_MORE, 4, NULL},
    {"nor a dot and a space",           ". \r\n.\r\n",        DOT_END,  4, ". \r\n"},
    {"two ends: the first",             ".\r\n.\r\n",         DOT_END,  0, ""},
    /* held back until the next byte tells */
    {"an unfinished dot is held",       "a\r\n.",             DOT_MORE, 3, "a\r\n"},
    {"with its CR",                     "a\r\n.\r",           DOT_MORE, 3, "a\r\n"},
    {"a CR is held",                    "a\r",                DOT_MORE, 1, "a"},
    {"a CR alone is held",              "\r",                 DOT_MORE, 0, ""},
    /* smuggling: CVE-2023-51764, -51765, -51766 and their relatives */
    {"LF dot LF",                       "a\n.\nMAIL",         DOT_BARE, 1, "a . MAIL"},
    {"LF dot CRLF",                     "a\n.\r\nMAIL",       DOT_BARE, 1, "a .\r\nMAIL"},
    {"CRLF dot LF",                     "a\r\n.\nMAIL",       DOT_BARE, 4, "a\r\n. MAIL"},
    {"CR dot CR",                       "a\r.\rMAIL",         DOT_BARE, 1, "a . MAIL"},
    {"CR dot CRLF",                     "a\r.\r\nMAIL",       DOT_BARE, 1, "a .\r\nMAIL"},
    {"CRLF dot CR",                     "a\r\n.\rMAIL",       DOT_BARE, 4, "a\r\n. MAIL"},
    {"LF dot CR",                       "a\n.\rMAIL",         DOT_BARE, 1, "a . MAIL"},
    {"CRLF dot CR CRLF",                "a\r\n.\r\r\nMAIL",   DOT_BARE, 4, "a\r\n. \r\nMAIL"},
    {"CR CRLF dot CRLF",                "a\r\r\n.\r\n",       DOT_BARE, 1, "a \r\n"},
    {"CR CRLF dot CR CRLF",             "a\r\r\n.\r\r\nM",    DOT_BARE, 1, "a \r\n. \r\nM"},
    {"LF LF dot CRLF",                  "a\n\n.\r\nM",        DOT_BARE, 1, "a  .\r\nM"},
    {"LF CR dot LF CR",                 "a\n\r.\n\rM",        DOT_BARE, 1, "a  .  M"},
    {"CRLF LF dot CRLF",                "a\r\n\n.\r\nM",      DOT_BARE, 3, "a\r\n .\r\nM"},
    {"CRLF CR dot CRLF",                "a\r\n\r.\r\nM",      DOT_BARE, 3, "a\r\n .\r\nM"},
    {"LF at the very start",            "\n.\r\n",            DOT_BARE, 0, " .\r\n"},
    {"CR at the very start",            "\r.\r\n",            DOT_BARE, 0, " .\r\n"},
    {"dot LF at the very start",        ".\nMAIL",            DOT_BARE, 1, ". MAIL"},
    {"stuffed: LF dot dot LF",          "a\n..\nM",           DOT_BARE, 1, "a .. M"},
    {"stuffed: LF dot dot CRLF",        "a\n..\r\nM",         DOT_BARE, 1, "a ..\r\nM"},
    {"stuffed: CRLF dot dot LF",        "a\r\n..\nM",         DOT_BARE, 5, "a\r\n.. M"},
    {"stuffed: CR dot dot CR",          "a\r..\rM",           DOT_BARE, 1, "a .. M"},
    {"stuffed: CRLF dot dot CR",        "a\r\n..\rM",         DOT_BARE, 5, "a\r\n.. M"},
    {"stuffed: CRLF dot dot CRLF",      "a\r\n..\r\n.\r\nM", DOT_END, 7, "a\r\n..\r\n"},
    {"CRLF dot LF CRLF",                "a\r\n.\n\r\nM",      DOT_BARE, 4, "a\r\n. \r\nM"},
    {"LF dot LF CRLF",                  "a\n.\n\r\nM",        DOT_BARE, 1, "a . \r\nM"},
    {"CRLF dot CR LF apart by a dot",   "a\r\n.\r.\nM",       DOT_BARE, 4, "a\r\n. . M"},
    {"LF CR dot CR LF",                 "a\n\r.\r\nM",        DOT_BARE, 1, "a  .\r\nM"},
    {"a bare LF",                       "a\nb\r\n.\r\n",      DOT_BARE, 1, "a b\r\n"},
    {"a bare CR",                       "a\rb\r\n.\r\n",      DOT_BARE, 1, "a b\r\n"},
    {"VT, FF and NEL end no line",      "a\v.\f.\xc2\x85.\r\n", DOT_MORE, 10, NULL},
};

/* NUL cannot stand in the table above. */
static const struct {
    const char *name; struct span in; size_t seen; struct span clean;
} nuls[] = {
    {"NUL",                    {"a\0b\r\n.\r\n", 8},   1, {"a b\r\n", 5}},
    {"NUL behind the CRLF",    {"a\r\n\0.\r\n", 7},    3, {"a\r\n .\r\n", 7}},
    {"NUL inside the CRLF",    {"a\r\0\n.\r\n", 7},    1, {"a   .\r\n", 7}},
    {"NUL behind the dot",     {"a\r\n.\0\r\nM", 8},   4, {"a\r\n. \r\nM", 8}},
    {"NUL between LF and dot", {"a\n\0.\n\0M", 7},      1, {"a  .  M", 7}},
    {"NUL behind a stuffed dot", {"a\r\n..\0\r\nM", 9}, 5, {"a\r\n.. \r\nM", 9}},
    {"NUL in front of the dot", {"\0.\r\nM", 5},        0, {" .\r\nM", 5}},
    {"NUL inside the dot's CRLF", {"a\r\n.\r\0\nM", 8}, 4, {"a\r\n.   M", 8}},
};
/* clang-format on */

static bool starts(struct span s, const char *with)
{
    return s.len >= strlen(with) && memcmp(s.at, with, strlen(with)) == 0;
}

/* The same rules, one byte after the other, so that they can be read and believed. What is
 * message goes to `text`, its length comes back; `*ends` is set when it is complete. */
static size_t read_slowly(struct span in, char *text, bool *bare, bool *ends)
{
    bool new_line = true;
    size_t at = 0;

    for (*bare = *ends = false; at < in.len;) {
        struct span rest = span_after(in, at);
        bool line_end = starts(rest, "\r\n"); /* else CR, LF and NUL are bare */
        bool refused = !line_end && memchr("\r\n", *rest.at, 3);

        if (span_is(rest, "\r") || (new_line && (span_is(rest, ".") || span_is(rest, ".\r"))))
            break;
        if (new_line && starts(rest, ".\r\n")) {
            *ends = true;
            break;
        }
        text[at] = refused ? ' ' : *rest.at;
        if (line_end)
            text[at + 1] = '\n';
        at += line_end ? 2 : 1;
        new_line = line_end;
        *bare = *bare || refused;
    }
    return at;
}

/* Reads `in` in pieces of `step` (or of random lengths) as a server does: what is held back
 * stays in front of what comes next. Message bytes go to `text`. */
static enum dot_verdict read_in_pieces(enum dot_bare bare, struct span in, size_t step, char *text,
                                       size_t *seen)
{
    char *held = malloc(in.len + 1);
    size_t from = 0, to = 0;
    enum dot_verdict v = DOT_MORE;
    struct dot d;

    assert_non_null(held);
    memcpy(held, in.at, in.len);
    dot_init(&d, bare);
    while (v == DOT_MORE && to < in.len) {
        size_t piece = step ? step : 1 + (size_t)rand_r(&(unsigned){(unsigned)(to + in.len)}) % 99;

        to = in.len - to < piece ? in.len : to + piece;
        v = dot_scan(&d, held + from, to - from, seen);
        from += *seen;
        assert_true(v != DOT_MORE || to - from <= DOT_HELD);
    }
    memcpy(text, held, from);
    *seen = from;
    free(held);
    return v;
}

static void check(const char *name, struct span in, enum dot_verdict want, size_t want_seen,
                  struct span clean)
{
    char text[64];
    size_t seen;

    for (size_t step = 1; step <= in.len; step++) {
        enum dot_verdict v = read_in_pieces(DOT_REJECT, in, step, text, &seen);

        assert_row(v == want && seen == want_seen, name);
        assert_row(memcmp(text, in.at, seen) == 0, name);
        v = read_in_pieces(DOT_NORMALIZE, in, step, text, &seen);
        assert_row(v != DOT_BARE && seen == clean.len, name);
        assert_row(memcmp(text, clean.at, seen) == 0, name);
    }
}

static void messages_end_where_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        check(cases[i].name, span_of(cases[i].in), cases[i].reject, cases[i].seen,
              span_of(cases[i].clean ? cases[i].clean : cases[i].in));
    for (size_t i = 0; i < COUNT_OF(nuls); i++)
        check(nuls[i].name, nuls[i].in, DOT_BARE, nuls[i].seen, nuls[i].clean);
}

/* A random message of pieces that matter, wild or well-behaved but for its ends. */
static size_t make_message(char *to, size_t size, unsigned *seed)
{
    static const struct span pieces[] = {
        {"\r\n", 2}, {"\r\n.", 3}, {"\r\n.\r\n", 5}, {"..", 2}, {"text", 4},
        {"\r", 1},   {"\n", 1},    {".", 1},         {"\0", 1}, {"a longer piece of text", 22},
    };
    unsigned most = rand_r(seed) % 2 ? 5 : COUNT_OF(pieces);
    unsigned rare = 1 + (unsigned)rand_r(seed) % 20;
    size_t len = 0;

    for (;;) {
        unsigned pick = (unsigned)rand_r(seed) % rare ? 4 : (unsigned)rand_r(seed) % most;

        if (len + pieces[pick].len > size || rand_r(seed) % 50 == 0)
            return len;
        memcpy(to + len, pieces[pick].at, pieces[pick].len);
        len += pieces[pick].len;
    }
}

/* Random messages cut at random places and at every one: always as the slow reader says. */
static void it_reads_as_the_slow_reader_does(void **state)
{
    static char in[400], slow[400], fast[400];
    unsigned seed = 1, ended = 0, refused = 0;

    (void)state;
    for (int round = 0; round < 20000; round++) {
        struct span whole = {in, make_message(in, sizeof in, &seed)};
        bool bare, ends;
        size_t want = read_slowly(whole, slow, &bare, &ends), seen;

        for (size_t step = 0; step <= 24; step += step < 3 ? 1 : 7) {
            enum dot_verdict v = read_in_pieces(DOT_NORMALIZE, whole, step, fast, &seen);

            assert_int_equal(v, ends ? DOT_END : DOT_MORE);
            assert_int_equal(seen, want);
            assert_memory_equal(fast, slow, want);
            v = read_in_pieces(DOT_REJECT, whole, step, fast, &seen);
            assert_int_equal(v, bare ? DOT_BARE : ends ? DOT_END : DOT_MORE);
            assert_memory_equal(fast, in, seen);
            assert_true(bare ? memchr("\r\n", in[seen], 3) != NULL : seen == want);
        }
        ended += ends;
        refused += bare;
    }
    assert_true(ended > 1000 && refused > 1000); /* the pieces were well chosen */
}

/* Every pattern of five interesting bytes, over the edge of a block. */
static void the_edges_of_blocks_hide_nothing(void **state)
{
    static const char letters[] = {'\r', '\n', '.', '\0', 'a'};
    char in[MATCH_BYTES + 8], slow[sizeof in], fast[sizeof in];

    (void)state;
    for (int pattern = 0; pattern < 3125; pattern++) {
        for (size_t at = MATCH_BYTES - 6; at <= MATCH_BYTES; at++) {
            bool bare, ends;
            size_t seen;

            memset(in, 'b', sizeof in);
            for (int i = 0, p = pattern; i < 5; i++, p /= 5)
                in[at + (size_t)i] = letters[p % 5];
            struct span whole = {in, sizeof in};
            size_t want = read_slowly(whole, slow, &bare, &ends);
            enum dot_verdict v =
                read_in_pieces(DOT_NORMALIZE, (struct span){in, sizeof in}, sizeof in, fast, &seen);
            assert_int_equal(v, ends ? DOT_END : DOT_MORE);
            assert_int_equal(seen, want);
            assert_memory_equal(fast, slow, want);
        }
    }
}

static void bytes_are_matched(void **state)
{
    char block[MATCH_BYTES];

    (void)state;
    for (int c = 0; c < 256; c++) {
        for (int i = 0; i < MATCH_BYTES; i++)
            block[i] = (char)(i % 3 ? c : c ^ (1 << i % 8));
        struct match m = match_load(block);
        uint64_t bits = match_byte(&m, (char)c);

        for (int i = 0; i < MATCH_BYTES; i++)
            assert_int_equal(bits >> i & 1, block[i] == (char)c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_end_where_they_say),
        cmocka_unit_test(it_reads_as_the_slow_reader_does),
        cmocka_unit_test(the_edges_of_blocks_hide_nothing),
        cmocka_unit_test(bytes_are_matched),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
