/* SPDX-License-Identifier: Apache-2.0
 *
 * Header fields that stand in for columns.
 */
#include "t/lib/accounts.h"

#include <stdio.h>

/* What the message has, and what the mapping makes of it. */
static const struct {
    const char *name, *type, *job, *user, *cells; /* cells: jobId, userString */
    struct record_header header[3];
    struct texts mappings;
} mappings[] = {
    {"nothing", "d", "", "me", ",me", {{SPAN(""), SPAN("")}}, LIST("d header_A jobId")},
    {"X-Job by itself", "d", "", "me", "7,me", {{SPAN("x-job"), SPAN("7")}}, {0}},
    {"X-Job where the mapped one is not there",
     "d",
     "",
     "me",
     "7,me",
     {{SPAN("x-job"), SPAN("7")}},
     LIST("d header_A jobId")},
    {"what the record says comes before X-Job",
     "d",
     "9",
     "me",
     "9,me",
     {{SPAN("X-Job"), SPAN("7")}},
     {0}},
    {"the mapped one comes before both",
     "d",
     "9",
     "me",
     "a,me",
     {{SPAN("X-Job"), SPAN("7")}, {SPAN("A"), SPAN("a")}},
     LIST("d header_a JobId")},
    {"the first in the configuration that is there",
     "d",
     "",
     "me",
     "b,me",
     {{SPAN("C"), SPAN("c")}, {SPAN("B"), SPAN("b")}},
     LIST("d header_A jobId", "d header_B jobId", "d header_C jobId")},
    {"of another type", "b", "", "me", ",me", {{SPAN("A"), SPAN("a")}}, LIST("d header_A jobId")},
    {"the user's string",
     "b",
     "",
     "me",
     ",\"a,b\"",
     {{SPAN("A"), SPAN("a,b")}},
     LIST("delivery header_A jobId", " bounce  header_A userString ")},
};

static void headers_stand_in_for_columns(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(mappings); i++) {
        struct account *a = account_made((struct account_conf){
            .records = LIST("d", "b"),
            .mappings = mappings[i].mappings,
            .user_string = mappings[i].user,
            FIELDS({"d", LIST("jobId", "userString")}, {"b", LIST("jobId", "userString")})});
        struct record r = {.at = 1};
        char row[256];
        struct buf b;

        r.column[COLUMN_type] = span_of(mappings[i].type);
        r.column[COLUMN_jobId] = span_of(mappings[i].job);
        for (size_t h = 0; h < COUNT_OF(mappings[i].header); h++)
            record_add_header(&r, mappings[i].header[h].name, mappings[i].header[h].value);
        snprintf(row, sizeof row, "%s,%s\r\n", mappings[i].type, mappings[i].cells);
        buf_init(&b, 4096);
        assert_true(account_row(a, &b, &r));
        assert_row(span_is(buf_peek(&b), row), mappings[i].name);
        buf_clear(&b);
        account_free(&a);
    }
}

static void a_header_stands_in_for_each_that_may_be(void **state)
{
    static const char *const columns[] = {"orcpt", "vmta",     "jobId",
                                          "envId", "vmtaPool", "userString"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(columns); i++) {
        char mapping[64];
        const char *text = mapping;
        struct record r = {.at = 1};
        struct account *a;
        struct buf b;

        snprintf(mapping, sizeof mapping, "d header_A %s", columns[i]);
        a = account_made((struct account_conf){
            .records = LIST("d"), .mappings = {&text, 1}, FIELDS({"d", {&columns[i], 1}})});
        r.column[COLUMN_type] = SPAN("d");
        r.column[column_find(span_of(columns[i]))] = SPAN("own");
        record_add_header(&r, SPAN("A"), SPAN("a"));
        buf_init(&b, 4096);
        assert_true(account_row(a, &b, &r));
        assert_row(span_is(buf_peek(&b), "d,a\r\n"), columns[i]);
        buf_clear(&b);
        account_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_stand_in_for_columns),
        cmocka_unit_test(a_header_stands_in_for_each_that_may_be),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
