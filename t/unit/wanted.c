/* SPDX-License-Identifier: Apache-2.0
 *
 * What accounting files want of those who make records.
 */
#include "acct/wanted.h"

#include <stdio.h>

#include "unit.h"

/* clang-format off */
static const struct {
    const char *name, *type, *fields;
    const char *headers; /* with spaces between */
    bool attempts, policy;
} rows[] = {
    {"standard: jobId is of it",   "d",  "*",                         "X-Job", false, false},
    {"of a receipt, too",          "r",  "*",                         "X-Job", false, false},
    {"it is left out",             "b",  "*,!jobId",                  "",      false, false},
    {"left out before",            "b",  "!JobId, *",                 "",      false, false},
    {"by name",                    "t",  "rcpt,jobID",                "X-Job", false, false},
    {"no message, no header",      "tq", "*, jobId, header_X-A",      "",      true,  false},
    {"nothing",                    "d",  "rcpt",                      "",      false, false},
    {"headers",                    "d",  "header_X-A,rcpt, HEADER_Subject", "X-A Subject", false, false},
    {"each once",                  "d",  "header_X-A,header_x-a,header_X-B,*,header_x-jOB", "X-Job X-A X-B", false, false},
    {"no name",                    "d",  "header_,header_a b,header_\"", "",   false, false},
    {"a policy's text",            "b",  "dlvTlsPolicyText",          "",      false, true},
    {"a policy's domain",          "tq", "*,dlvTlsPolicyDomain",      "",      true,  true},
    {"not",                        "d",  "dlvTlsPolicy",              "",      false, false},
};
/* clang-format on */

static void assert_wanted(const struct wanted *w, const char *headers, const char *name)
{
    char all[512] = "";

    for (size_t i = 0, used = 0; i < w->header_count; i++)
        used += (size_t)snprintf(all + used, sizeof all - used, "%s%.*s", i ? " " : "",
                                 SPAN_ARG(w->header[i]));
    assert_row(!strcmp(all, headers), name);
}

static void test_fields(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct wanted w = {.header_count = 0};

        assert_true(wanted_fields(&w, span_of(rows[i].type), (struct texts){&rows[i].fields, 1}));
        assert_wanted(&w, rows[i].headers, rows[i].name);
        assert_row(w.attempts == rows[i].attempts, rows[i].name);
        assert_row(w.policy == rows[i].policy, rows[i].name);
    }
}

static void test_mappings(void **state)
{
    static const char *const mappings[] = {"d header_X-A jobId", "b  header_x-a  jobId",
                                           "d header_Y vmta"};
    struct wanted w = {.header_count = 0};

    (void)state;
    assert_true(wanted_mappings(&w, (struct texts){mappings, COUNT_OF(mappings)}));
    assert_wanted(&w, "X-A Y", "mappings");
    assert_true(wanted_reports(&w));
    assert_wanted(&w, "X-A Y TLS-Report-Domain", "reports");
    assert_true(w.attempts && w.policy);
}

static void test_most(void **state)
{
    static char names[RECORD_HEADERS + 1][16];
    struct wanted w = {.header_count = 0};

    (void)state;
    for (int i = 0; i <= RECORD_HEADERS; i++) {
        (void)snprintf(names[i], sizeof names[i], "X-%d", i);
        assert_int_equal(wanted_header(&w, span_of(names[i])), i < RECORD_HEADERS);
    }
    assert_true(wanted_header(&w, SPAN("x-0"))); /* it is there already */
    assert_false(wanted_reports(&w));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_fields),
                                       cmocka_unit_test(test_mappings),
                                       cmocka_unit_test(test_most)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
