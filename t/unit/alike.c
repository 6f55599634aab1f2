/* SPDX-License-Identifier: Apache-2.0 */
#include "tell/alike.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static bool is_same(struct span a, struct span b)
{
    return span_same(a, b) && !a.at == !b.at;
}

static bool are_same(const struct record *a, const struct record *b)
{
    bool same = a->what == b->what && a->at == b->at && a->queued == b->queued &&
                is_same(a->key, b->key) && is_same(a->id_host, b->id_host) &&
                a->disabled == b->disabled && a->header_count == b->header_count &&
                is_same(a->written, b->written);

    for (size_t c = 0; c < COLUMN_COUNT; c++)
        same = same && is_same(a->column[c], b->column[c]);
    for (size_t i = 0; same && i < a->header_count; i++)
        same = is_same(a->header[i].name, b->header[i].name) &&
               is_same(a->header[i].value, b->header[i].value);
    return same;
}

/* What comes of the line is what record_read() makes of it; so many columns are known as others'.
 */
static struct record_alike read_both(struct alike *a, struct span line, const char *name)
{
    struct record_memory *memory, *other;
    struct record r, should;
    /* A copy of its own, so that nothing may be read behind it. */
    char *copy = memcpy(malloc(line.len + 1), line.at, line.len);
    bool good = alike_read(a, (struct span){copy, line.len}, &r, &memory);

    if (good != record_read(line, &should, &other) || (good && !are_same(&r, &should)))
        fail_msg("%s: '%.*s'", name, SPAN_ARG(line));
    if (!good && memory)
        fail_msg("%s: memory is left", name);
    record_forget(&memory);
    record_forget(&other);
    free(copy);
    return good ? r.alike : (struct record_alike){0};
}

#define FRONT(do) "{\"do\":\"" do "\",\"key\":\"k.1.1\",\"at\":1549662845.900000"
#define OWN ",\"host\":\"mx.test\",\"orig\":\"a@b.test\",\"rcpt\":\"c@d.test\",\"queueId\":\"Q\""
#define TAIL(session)                                                                             \
    ",\"type\":\"r\",\"srcMta\":\"client (192.0.2.1)\",\"rcvTlsSni\":\"\",\"sourceRule\":\"0/0\"" \
    ",\"sessionId\":\"" session "\"}"

/* Each stands beside a line that ends in TAIL("S001"), which is known; what is `other` ends in
 * something else, and what is `new` is then known in its place. */
static const struct {
    const char *name;
    struct span line;
    enum { KNOWN, OTHER, NEW } is;
} lines[] = {
    {"the same", SPAN(FRONT("received") OWN TAIL("S001")), KNOWN},
    {"another message", SPAN(FRONT("received") ",\"rcpt\":\"x@y.test\"" TAIL("S001")), KNOWN},
    {"one with escapes", SPAN(FRONT("received") ",\"rcpt\":\"\\\"x\\\"@y\"" TAIL("S001")), KNOWN},
    {"one with a header",
     SPAN(FRONT("received") ",\"header_X-Job\":\"\\\\7\",\"queueId\":\"Q\"" TAIL("S001")), KNOWN},
    {"nothing of its own", SPAN(FRONT("received") TAIL("S001")), KNOWN},
    {"of a newer version", SPAN(FRONT("received") ",\"new\":1,\"old\":\"\"" TAIL("S001")), KNOWN},
    {"disabled", SPAN(FRONT("received") ",\"disabled\":1,\"queued\":5" TAIL("S001")), KNOWN},
    {"another session", SPAN(FRONT("received") OWN TAIL("S002")), NEW},
    {"one of the same place", SPAN(FRONT("received") OWN TAIL("S0_001")), NEW},
    {"one as long of the same place", SPAN(FRONT("received") OWN TAIL("T001")), NEW},
    {"a byte in the middle",
     SPAN(FRONT("received") OWN
          ",\"type\":\"r\",\"srcMta\":\"client (192.0.2.2)\",\"rcvTlsSni\":\"\""
          ",\"sourceRule\":\"0/0\",\"sessionId\":\"S001\"}"),
     NEW},
    {"a short name", SPAN(FRONT("received") OWN ",\"type\":\"r\",\"vmta\":\"x\"}"), NEW},
    {"no name", SPAN(FRONT("received") OWN ",\"type\":\"r\"}"), NEW},
    {"another kind", SPAN(FRONT("row") OWN TAIL("S001")), OTHER},
    {"an intent", SPAN(FRONT("intent") OWN TAIL("S001")), OTHER},
    {"a column twice", SPAN(FRONT("received") ",\"sourceRule\":\"1\"" TAIL("S001")), OTHER},
    {"an empty one twice", SPAN(FRONT("received") ",\"rcvTlsSni\":\"\"" TAIL("S001")), OTHER},
    {"its type twice", SPAN(FRONT("received") ",\"type\":\"r\"" TAIL("S001")), OTHER},
    {"no time", SPAN("{\"do\":\"received\",\"key\":\"k\"" TAIL("S001")), OTHER},
    {"no front", SPAN(TAIL("S001")), OTHER},
    {"half a front", SPAN("{" TAIL("S001")), OTHER},
    {"a whole front", SPAN(FRONT("received") "}" TAIL("S001")), OTHER},
    {"a comma too much", SPAN(FRONT("received") "," TAIL("S001")), OTHER},
    {"a text without end", SPAN(FRONT("received") ",\"rcpt\":\"x" TAIL("S001")), OTHER},
    {"an escape at its end", SPAN(FRONT("received") ",\"rcpt\":\"x\\" TAIL("S001")), OTHER},
    {"half a character", SPAN(FRONT("received") ",\"rcpt\":\"x\xc3" TAIL("S001")), OTHER},
    {"a name without end", SPAN(FRONT("received") ",\"rcpt" TAIL("S001")), OTHER},
    {"no value", SPAN(FRONT("received") ",\"queued\":" TAIL("S001")), OTHER},
    {"a number's point", SPAN(FRONT("received") ",\"queued\":1." TAIL("S001")), OTHER},
    {"more behind it", SPAN(FRONT("received") OWN TAIL("S001") "}"), OTHER},
    {"another type", SPAN(FRONT("received") ",\"type\":\"d\",\"vmta\":\"S001\"}"), OTHER},
    {"with the message in it",
     SPAN(FRONT("received") ",\"type\":\"r\",\"queueId\":\"Q\",\"vmta\":\"S001\"}"), OTHER},
    {"with a number in it", SPAN(FRONT("received") ",\"type\":\"r\",\"new\":1,\"vmta\":\"S001\"}"),
     OTHER},
    {"with its time in it",
     SPAN("{\"do\":\"received\",\"key\":\"k\",\"type\":\"r\",\"at\":1,\"vmta\":\"S001\"}"), OTHER},
    {"with a time as a column",
     SPAN(FRONT("received") ",\"type\":\"r\",\"timeLogged\":\"1\",\"vmta\":\"S001\"}"), OTHER},
    {"with a header in it",
     SPAN(FRONT("received") ",\"type\":\"r\",\"header_A\":\"b\",\"vmta\":\"S001\"}"), OTHER},
    {"with escapes in it",
     SPAN(FRONT("received") ",\"type\":\"r\",\"srcMta\":\"\\\"\",\"vmta\":\"S001\"}"), OTHER},
    {"its type first",
     SPAN("{\"type\":\"r\",\"do\":\"received\",\"key\":\"k\",\"at\":1,\"vmta\":\"S001\"}"), OTHER},
    {"nothing", SPAN(""), OTHER},
    {"one byte", SPAN("}"), OTHER},
};

static const struct span first = SPAN(FRONT("received") OWN TAIL("S001"));

static void each_line_is_what_it_is_by_itself(void **state)
{
    struct alike *a = alike_new();

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        struct record_alike known = read_both(a, first, "first"), then;

        assert_true(known.number > 0 && known.place < ALIKE_PLACES);
        then = read_both(a, lines[i].line, lines[i].name);
        assert_row((then.number == 0) == (lines[i].is == OTHER), lines[i].name);
        assert_row((then.number == known.number) == (lines[i].is == KNOWN), lines[i].name);
        if (lines[i].is != OTHER)
            assert_row(read_both(a, lines[i].line, lines[i].name).number == then.number,
                       lines[i].name);
    }
    alike_free(&a);
}

/* The columns that are told are those of the line's end, which are the same each time. */
static void the_columns_are_told(void **state)
{
    static const enum column of_tail[] = {COLUMN_type, COLUMN_srcMta, COLUMN_rcvTlsSni,
                                          COLUMN_sourceRule, COLUMN_sessionId};
    struct alike *a = alike_new();
    uint64_t should = 0;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(of_tail); i++)
        should |= (uint64_t)1 << of_tail[i];
    for (int i = 0; i < 3; i++)
        assert_true(read_both(a, first, "first").columns == should);
    alike_free(&a);
}

static void lines_are_cut_anywhere(void **state)
{
    struct alike *a = alike_new();

    (void)state;
    for (size_t i = 0; i <= first.len; i++) {
        (void)read_both(a, first, "whole");
        (void)read_both(a, (struct span){first.at, i}, "front");
        (void)read_both(a, first, "whole");
        (void)read_both(a, span_after(first, i), "back");
    }
    alike_free(&a);
}

/* What is too long to be remembered, or too long to be a line, with the end of one that is known.
 */
static void long_lines_are_read(void **state)
{
    static char line[2 * RECORD_MAX];
    struct alike *a = alike_new();

    (void)state;
    for (size_t len = 900; len < 1100; len++) {
        int all = snprintf(line, sizeof line, "%s,\"type\":\"r\",\"vmta\":\"%0*d\"}",
                           FRONT("received"), (int)len, 1);

        (void)read_both(a, (struct span){line, (size_t)all}, "long end");
        (void)read_both(a, (struct span){line, (size_t)all}, "long end again");
    }
    for (size_t len = RECORD_MAX - 300; len < RECORD_MAX; len++) {
        int all = snprintf(line, sizeof line, "%s,\"rcpt\":\"%0*d\"%s", FRONT("received"), (int)len,
                           1, TAIL("S001"));

        (void)read_both(a, first, "first");
        (void)read_both(a, (struct span){line, (size_t)all}, "long front");
    }
    alike_free(&a);
}

/* Sessions that began one after another do not drive each other out. */
static void as_many_sessions_as_places_are_known(void **state)
{
    static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";
    struct alike *a = alike_new();
    uint64_t number[ALIKE_PLACES];
    char line[1000];

    (void)state;
    for (int turn = 0; turn < 2; turn++) {
        for (size_t i = 0; i < ALIKE_PLACES; i++) {
            char id[] = {'S', digits[i / 36 / 36], digits[i / 36 % 36], digits[i % 36], '\0'};
            struct record_alike known;
            int len = snprintf(line, sizeof line, "%s,\"type\":\"r\",\"sessionId\":\"%s\"}",
                               FRONT("received"), id);

            known = read_both(a, (struct span){line, (size_t)len}, id);
            assert_true(known.number > 0);
            assert_true(turn == 0 || known.number == number[i]);
            number[i] = known.number;
        }
    }
    alike_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_line_is_what_it_is_by_itself),
        cmocka_unit_test(the_columns_are_told),
        cmocka_unit_test(lines_are_cut_anywhere),
        cmocka_unit_test(long_lines_are_read),
        cmocka_unit_test(as_many_sessions_as_places_are_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
