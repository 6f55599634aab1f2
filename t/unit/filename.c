/* SPDX-License-Identifier: Apache-2.0 */
#include "acct/filename.h"

#include <stdlib.h>

#include "unit.h"

/* clang-format off */
static const struct {
    const char *path, *folder;
    long day;
    unsigned number;
    const char *name; /* NULL: does not fit */
} names[] = {
    {"/var/log/acct.csv", "",      13761,  0,     "/var/log/acct-2007-09-05-0000.csv"},
    {"/var/log/acct.csv", NULL,    13761,  12,    "/var/log/acct-2007-09-05-0012.csv"},
    {"/var/log/acct.csv", "/old",  13761,  9999,  "/old/acct-2007-09-05-9999.csv"},
    {"/var/log/acct.csv", "/old",  13761,  10000, "/old/acct-2007-09-05-10000.csv"},
    {"/a.b/acct",         "",      0,      1,     "/a.b/acct-1970-01-01-0001"},
    {"/a/.acct",          "",      0,      1,     "/a/.acct-1970-01-01-0001"},
    {"/a/x.tar.csv",      "",      -1,     1,     "/a/x.tar-1969-12-31-0001.csv"},
    {"/acct.csv",         "",      0,      0,     "//acct-1970-01-01-0000.csv"},
    {"/012345678901234567890123456789012345678901234567890123456789012345678/acct.csv", "", 0, 0,
     NULL},
};

static const struct {
    const char *path, *name;
    bool is;
} ours[] = {
    {"/l/acct.csv", "acct-2007-09-05-0000.csv",     true},
    {"/l/acct.csv", "acct-2007-09-05-123456.csv",   true},
    {"/l/acct",     "acct-2007-09-05-0000",         true},
    {"/l/a-1.csv",  "a-1-2007-09-05-0000.csv",      true},
    {"/l/acct.csv", "acct.csv",                     false},
    {"/l/acct.csv", "",                             false},
    {"/l/acct.csv", "acct-2007-09-05-0000.csv.gz",  false},
    {"/l/acct.csv", "acct-2007-09-05-0000.json",    false},
    {"/l/acct.csv", "acct-2007-09-05-0000",         false},
    {"/l/acct.csv", "acct-2007-09-05-000.csv",      false},
    {"/l/acct.csv", "acct-2007-09-5-0000.csv",      false},
    {"/l/acct.csv", "acct-2007-09-05-000a.csv",     false},
    {"/l/acct.csv", "acct-2007-09-05.csv",          false},
    {"/l/acct.csv", "acct2-2007-09-05-0000.csv",    false},
    {"/l/acct.csv", "acct-b-2007-09-05-0000.csv",   false},
    {"/l/acct.csv", "Acct-2007-09-05-0000.csv",     false},
    {"/l/acct.csv", "acct-2007-09-05-0000-1.csv",   false},
    {"/l/acct",     "acct-2007-09-05-0000.csv",     false},
    {"/l/acct-2007-09-05-0000.csv", "acct-2007-09-05-0001.csv", false},
};
/* clang-format on */

static void test_names(void **state)
{
    char to[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        bool fits = filename_finished(names[i].path, names[i].folder, names[i].day, names[i].number,
                                      to, sizeof to);

        assert_int_equal(fits, names[i].name != NULL);
        if (fits)
            assert_string_equal(to, names[i].name);
    }
}

static void test_ours(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ours); i++) {
        struct span name = span_of(ours[i].name);

        assert_row(filename_is_finished(ours[i].path, name) == ours[i].is, ours[i].name);
        for (size_t len = 0; ours[i].is && len < name.len; len++) { /* cut at every byte */
            char *cut = memcpy(malloc(len + 1), name.at, len);

            assert_row(!filename_is_finished(ours[i].path, (struct span){cut, len}), ours[i].name);
            free(cut);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_names), cmocka_unit_test(test_ours)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
