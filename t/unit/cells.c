/* SPDX-License-Identifier: Apache-2.0
 *
 * cells - rows of CSV, by a table, cut at every byte, and against a naive reader.
 */
#include "unit.h"

#include <stdlib.h>

#include "csv/cells.h"

enum { ROW_MAX = 4096 };

/* As RFC 4180 reads, a byte at a time; a quote turns, wherever it is. */
static bool naive(const char *at, size_t len, struct cells *out)
{
    bool inside = false;

    *out = (struct cells){.count = 0};
    for (size_t i = 0; i < len; i++) {
        if (at[i] == '"')
            inside = !inside;
        else if (at[i] == '\n' && inside)
            out->lines++;
        if (inside || (at[i] != ',' && at[i] != '\n'))
            continue;
        size_t from = out->count ? out->end[out->count - 1] + 1 : 0;
        bool cr = at[i] == '\n' && i > from && at[i - 1] == '\r';

        out->end[out->count++] = (uint32_t)(i - cr);
        if (at[i] == '\n') {
            out->length = (uint32_t)i + 1;
            return true;
        }
    }
    return false;
}

/* Behind a row may be anything: all that could end it is there. */
static char *with_slack(const char *row, size_t len, const char *slack)
{
    char *copy = malloc(len + CELLS_SLACK);

    assert_non_null(copy);
    memcpy(copy, row, len);
    for (size_t i = 0; i < CELLS_SLACK; i++)
        copy[len + i] = slack[i % strlen(slack)];
    return copy;
}

static void check_same(const char *row, size_t len)
{
    static const char *const slacks[] = {"\n", "\"", ",\n", "x"};

    for (size_t s = 0; s < COUNT_OF(slacks); s++) {
        char *copy = with_slack(row, len, slacks[s]);
        struct cells want, got;
        bool is = naive(row, len, &want);

        assert_int_equal(cells_split(copy, len, &got), is);
        if (is) {
            assert_int_equal(got.count, want.count);
            assert_int_equal(got.lines, want.lines);
            assert_int_equal(got.length, want.length);
            assert_memory_equal(got.end, want.end, want.count * sizeof *got.end);
        }
        free(copy);
    }
}

static const struct {
    const char *row, *value[4];
    unsigned count;
    bool strict;
} rows[] = {
    {"a,b,c\r\n", {"a", "b", "c"}, 3, true},
    {"a,b,c\n", {"a", "b", "c"}, 3, true},
    {"\n", {""}, 1, true},
    {"\r\n", {""}, 1, true},
    {",\r\n", {"", ""}, 2, true},
    {"\"\",\"\"\r\n", {"", ""}, 2, true},
    {"\"a,b\",c\r\n", {"a,b", "c"}, 2, true},
    {"\"a\"\"b\",\"\"\"\"\r\n", {"a\"b", "\""}, 2, true},
    {"\"a\r\nb\",c\r\n", {"a\r\nb", "c"}, 2, true},
    {"\"\"\"a,b\"\"\",c\r\n", {"\"a,b\"", "c"}, 2, true},
    {"a\"b,c\"d,e\n", {"a\"b,c\"d", "e"}, 2, false},
    {"\"a\"b,c\n", {"\"a\"b", "c"}, 2, false},
    {"a,\"b\"\"\"\"c\"\n", {"a", "b\"\"c"}, 2, true},
};

static void test_table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        size_t len = strlen(rows[i].row);
        char *row = with_slack(rows[i].row, len, "\n");
        struct cells c;

        assert_row(cells_split(row, len, &c), rows[i].row);
        assert_row(c.count == rows[i].count && c.length == len, rows[i].row);
        assert_row(cells_strict(row, &c) == rows[i].strict, rows[i].row);
        for (size_t v = 0; v < c.count; v++)
            assert_span(cells_value(row, &c, v), rows[i].value[v]);
        for (size_t cut = 0; cut < len; cut++)
            assert_row(!cells_split(row, cut, &c), rows[i].row);
        free(row);
    }
}

/* At random, with all that matters often enough; lengths around those that are looked at at once.
 */
static void test_naive(void **state)
{
    static const char letters[] = "aaaaaaab\"\",,\r\n";
    unsigned seed = 1;
    char row[300];

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        size_t len = (size_t)rand_r(&seed) % sizeof row;
        unsigned plain = (unsigned)rand_r(&seed) % 8 * 8;

        for (size_t i = 0; i < len; i++)
            row[i] = (unsigned)rand_r(&seed) % 64 < plain
                         ? 'x'
                         : letters[(size_t)rand_r(&seed) % (sizeof letters - 1)];
        check_same(row, len);
    }
}

/* More fields than anybody has are counted, and not kept. */
static void test_many(void **state)
{
    enum { MANY = 3 * CELLS_MAX };
    char row[MANY + CELLS_SLACK];
    struct cells c;

    (void)state;
    memset(row, ',', sizeof row);
    row[MANY - 1] = '\n';
    assert_true(cells_split(row, MANY, &c));
    assert_int_equal(c.count, MANY);
    assert_int_equal(c.end[CELLS_MAX - 1], CELLS_MAX - 1);
    for (uint32_t count = CELLS_MAX - 70; count <= CELLS_MAX; count++) {
        memset(row, ',', sizeof row);
        row[count - 1] = '\n';
        assert_true(cells_split(row, MANY, &c));
        assert_int_equal(c.count, count);
        assert_int_equal(c.end[count - 1], count - 1);
    }
    for (uint32_t plain = 0; plain < MATCH_BYTES; plain++) {
        memset(row, ',', sizeof row);
        memset(row, 'x', plain);
        row[MANY - 1] = '\n';
        assert_true(cells_split(row, MANY, &c));
        assert_int_equal(c.count, MANY - plain);
        assert_int_equal(c.length, MANY);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_naive),
        cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
