/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "keep/secret.h"
#include "smtp/envid.h"

static const uint64_t key[2] = {1, 2}, other[2] = {1, 3};

/* clang-format off */
static const struct { const char *queue_id, *own; bool made; } cases[] = {
    {"4fGkJ21zXYz", "", true},
    {"6ALK8EaY002365", "client+3Did", true},
    {"A", "SP1/x/y/z", true},
    {"", "own", false},
    {"a/b", "", false},
    {"a b", "", false},
    {"a=b", "", false},
    {"a+b", "", false},
    {"4fGkJ21zXYz", "0123456789012345678901234567890123456789012345678901234567890123456789", false},
};
/* clang-format on */

static void what_is_made_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[ENVID_MAX + 1];
        size_t len = envid_make(text, key, span_of(cases[i].queue_id), span_of(cases[i].own));
        struct span id, own;

        assert_int_equal(len > 0, cases[i].made);
        if (!len)
            continue;
        assert_int_equal(strlen(text), len);
        assert_true(envid_read(span_of(text), key, &id, &own));
        assert_true(span_is(id, cases[i].queue_id));
        assert_true(span_is(own, cases[i].own));
        assert_false(envid_read(span_of(text), other, &id, &own));
        for (size_t cut = 0; cut < len; cut++)
            assert_false(envid_read((struct span){text, cut}, key, &id, &own));
        for (size_t at = 4; at < len; at++) {
            text[at] ^= 1;
            assert_false(envid_read(span_of(text), key, &id, &own));
            text[at] ^= 1;
        }
    }
}

static void what_claims_to_be_ours(void **state)
{
    (void)state;
    assert_true(envid_claims(SPAN("SP1/")));
    assert_true(envid_claims(SPAN("sp1/x")));
    assert_false(envid_claims(SPAN("SP1")));
    assert_false(envid_claims(SPAN("xSP1/")));
    assert_false(envid_claims(SPAN("")));
}

static void what_is_not_ours_is_not_read(void **state)
{
    static const char *const values[] = {
        "", "SP1", "SP1/", "SP1//", "SP1///", "SP1/a/b/c", "SP1/a/0000000000000000/", "x"};
    struct span id, own;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(values); i++)
        assert_false(envid_read(span_of(values[i]), key, &id, &own));
}

/* A key is made once, and is the same for all who come later. */
static void a_secret_is_one(void **state)
{
    char folder[] = "/tmp/secret.XXXXXX", path[64], why[256];
    uint64_t one[2], two[2];
    struct stat st;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/key", folder);
    assert_int_equal(secret_open(folder, "key", one, why, sizeof why), 0);
    assert_int_equal(secret_open(folder, "key", two, why, sizeof why), 0);
    assert_memory_equal(one, two, sizeof one);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(chmod(path, 0644), 0);
    assert_int_equal(secret_open(folder, "key", two, why, sizeof why), -1);
    assert_non_null(strstr(why, "others can read"));
    assert_int_equal(chmod(path, 0600) | truncate(path, 3), 0);
    assert_int_equal(secret_open(folder, "key", two, why, sizeof why), -1);
    assert_non_null(strstr(why, "is no key"));
    assert_int_equal(unlink(path) | rmdir(folder), 0);
    assert_int_equal(secret_open(folder, "key", two, why, sizeof why), -1);
}

/* The values of RFC 3720, B.4; and both ways agree, whole and cut anywhere. */
static void the_checksum_is_castagnolis(void **state)
{
    char zeros[32] = {0}, ones[32], up[32], text[300];

    (void)state;
    memset(ones, 0xff, sizeof ones);
    for (unsigned i = 0; i < sizeof up; i++)
        up[i] = (char)i;
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = (char)(i * 37);
    assert_int_equal(crc32c(0, (struct span){zeros, 32}), 0x8a9136aa);
    assert_int_equal(crc32c(0, (struct span){ones, 32}), 0x62a8ab43);
    assert_int_equal(crc32c(0, (struct span){up, 32}), 0x46dd794e);
    assert_int_equal(crc32c(0, SPAN("")), 0);
    for (size_t cut = 0; cut <= sizeof text; cut++) {
        struct span front = {text, cut}, back = {text + cut, sizeof text - cut};
        struct span all = {text, sizeof text};

        assert_int_equal(crc32c(crc32c(0, front), back), crc32c_plain(0, all));
        assert_int_equal(crc32c_plain(crc32c_plain(0, front), back), crc32c(0, all));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_made_is_read),         cmocka_unit_test(what_claims_to_be_ours),
        cmocka_unit_test(what_is_not_ours_is_not_read), cmocka_unit_test(a_secret_is_one),
        cmocka_unit_test(the_checksum_is_castagnolis),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
