/* SPDX-License-Identifier: Apache-2.0 */
#include "rule/tlsa.h"

#include <stdlib.h>

#include "unit.h"

static const struct {
    const char *name;
    uint8_t usage, selector, matching;
    size_t len; /* of the data */
    bool usable;
} records[] = {
    {"3 1 1", 3, 1, 1, 32, true},
    {"3 0 1", 3, 0, 1, 32, true},
    {"2 0 1", 2, 0, 1, 32, true},
    {"2 1 2", 2, 1, 2, 64, true},
    {"3 0 0", 3, 0, 0, 500, true},
    {"3 0 0 of one byte", 3, 0, 0, 1, true},
    {"as large as we take", 2, 0, 0, TLSA_DATA, true},
    {"larger", 2, 0, 0, TLSA_DATA + 1, false},
    {"usage 0 is not for SMTP", 0, 1, 1, 32, false},
    {"usage 1 is not for SMTP", 1, 1, 1, 32, false},
    {"usage 4", 4, 1, 1, 32, false},
    {"usage 255", 255, 1, 1, 32, false},
    {"selector 2", 3, 2, 1, 32, false},
    {"matching type 3", 3, 1, 3, 32, false},
    {"matching type 255", 3, 1, 255, 32, false},
    {"SHA-256 of 31 bytes", 3, 1, 1, 31, false},
    {"SHA-256 of 33 bytes", 3, 1, 1, 33, false},
    {"SHA-512 of 32 bytes", 3, 1, 2, 32, false},
    {"SHA-256 of 64 bytes", 3, 1, 1, 64, false},
    {"no data", 3, 1, 0, 0, false},
    {"a digest without data", 3, 1, 1, 0, false},
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(records); i++) {
        char *content = calloc(1, 3 + records[i].len);
        struct span all = {content, 3 + records[i].len};
        struct tlsa t;

        memset(content, 7, all.len);
        content[0] = (char)records[i].usage;
        content[1] = (char)records[i].selector;
        content[2] = (char)records[i].matching;
        assert_row(tlsa_read(all, &t) == records[i].usable, records[i].name);
        if (records[i].usable) {
            assert_int_equal(records[i].usage, t.usage);
            assert_int_equal(records[i].selector, t.selector);
            assert_int_equal(records[i].matching, t.matching);
            assert_int_equal(records[i].len, t.len);
            assert_memory_equal(content + 3, t.data, t.len);
        }
        free(content);
    }
}

/* A digest that was cut off is none. */
static void test_cut(void **state)
{
    (void)state;
    for (size_t len = 0; len < 3 + 32; len++) {
        char *content = malloc(len + 1);
        struct tlsa t;

        memcpy(content, "\3\1\1aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", len);
        assert_false(tlsa_read((struct span){content, len}, &t));
        free(content);
    }
}

/* "usage selector matching" of each, and which of them are left. */
static const struct {
    const char *name, *all, *left;
} sets[] = {
    {"one", "311", "311"},
    {"two of one kind", "311 311", "311 311"},
    {"the stronger one", "311 312", "312"},
    {"in whatever order", "312 311 311", "312"},
    {"of each usage and selector by itself", "311 302 211 201", "311 302 211 201"},
    {"what is whole counts always", "310 311 312", "310 312"},
    {"and takes nothing away", "300 301", "300 301"},
    {"none", "", ""},
};

static size_t fill(struct tlsa *at, const char *text)
{
    size_t count = 0;

    for (; *text; text += text[3] ? 4 : 3)
        at[count++] = (struct tlsa){.usage = (uint8_t)(text[0] - '0'),
                                    .selector = (uint8_t)(text[1] - '0'),
                                    .matching = (uint8_t)(text[2] - '0')};
    return count;
}

static void test_choose(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(sets); i++) {
        struct tlsa all[8], left[8];
        size_t count = tlsa_choose(all, fill(all, sets[i].all)), want = fill(left, sets[i].left);

        assert_row(count == want, sets[i].name);
        for (size_t k = 0; k < count; k++)
            assert_row(all[k].usage == left[k].usage && all[k].selector == left[k].selector &&
                           all[k].matching == left[k].matching,
                       sets[i].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_read), cmocka_unit_test(test_cut),
                                       cmocka_unit_test(test_choose)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
