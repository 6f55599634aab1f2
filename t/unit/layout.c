/* SPDX-License-Identifier: Apache-2.0
 *
 * The session table: what is put is found, by other processes too, whole or not at all.
 */
#include "keep/table.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "keep/layout.h"
#include "t/unit/table.h"

/* What a writer left half done is nobody's answer, and no obstacle: each entry here has two
 * blocks, of the second one the first, of the third one the second was not written to its end. */
static void test_half_written(void **state)
{
    struct table *t = make(1, 3), *reader = open_it();

    (void)state;
    for (unsigned n = 0; n < 3; n++)
        assert_true(put(t, 0, n, 1));
    atomic_fetch_add(&block_of(t, 0, 2)->version, 1);
    atomic_fetch_add(&block_of(t, 0, 5)->version, 1);
    assert_int_equal(1, find(reader, 0));
    assert_int_equal(-1, find(reader, 1));
    assert_int_equal(-1, find(reader, 2));
    table_clear(t, 0);
    for (unsigned n = 0; n < 3; n++)
        assert_true(put(t, 0, n, 2));
    for (unsigned n = 0; n < 3; n++)
        assert_int_equal(2, find(reader, n));
    table_close(&reader);
    table_close(&t);
}

/* A chain that leads out of the part, or says that it is longer than any, is nobody's answer. */
static void test_spoilt_chain(void **state)
{
    struct table *t = make(1, 3), *reader = open_it();
    struct fixed fixed;
    uint64_t words[BLOCK_WORDS];

    (void)state;
    assert_true(put(t, 0, 1, 1));
    struct block *first = block_of(t, 0, 0);
    unsigned next = first->next;

    assert_int_equal(2, next);
    first->next = 0;
    assert_int_equal(-1, find(reader, 1));
    first->next = UINT32_MAX;
    assert_int_equal(-1, find(reader, 1));
    first->next = next;
    assert_int_equal(1, find(reader, 1));
    memcpy(words, (const void *)first->words, sizeof words);
    memcpy(&fixed, words, sizeof fixed);
    fixed.len = UINT16_MAX;
    memcpy(words, &fixed, sizeof fixed);
    for (size_t i = 0; i < BLOCK_WORDS; i++)
        first->words[i] = words[i];
    assert_int_equal(-1, find(reader, 1));
    table_close(&reader);
    table_close(&t);
}

static void test_made_anew(void **state)
{
    struct table *t = make(1, 10), *reader = open_it();

    (void)state;
    assert_true(put(t, 0, 1, 1));
    assert_false(table_is_stale(reader));
    table_close(&t); /* as when the master is killed */
    assert_false(table_is_stale(reader));
    t = make(2, 20);
    assert_true(table_is_stale(reader));
    assert_false(table_is_stale(t));
    table_close(&reader);
    reader = open_it();
    assert_false(table_is_stale(reader));
    assert_int_equal(-1, find(reader, 1));
    assert_true(put(t, 1, 1, 2));
    assert_int_equal(2, find(reader, 1));
    table_close(&reader);
    table_close(&t);
}

static void refuses(const char *file, const char *expected)
{
    char why[256] = "";

    assert_null(table_open(file, why, sizeof why));
    if (!strstr(why, expected) || !strstr(why, file))
        fail_msg("\"%s\" does not say \"%s\"", why, expected);
}

static void poke(off_t at, unsigned value)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    assert_int_equal(sizeof value, pwrite(fd, &value, sizeof value, at));
    close(fd);
}

static void test_refused(void **state)
{
    struct table *t;
    char why[256] = "";

    (void)state;
    refuses("/nonexistent/table", "is sallyport-in running?");
    refuses("/dev/null", "not a session table");
    for (unsigned i = 0; i < 5; i++) {
        t = make(2, 10);
        table_close(&t);
        if (i < 4)
            poke((off_t)(i == 0 ? 0 : 12 + i * 4), i == 3 ? 0 : 77);
        else
            assert_int_equal(0, truncate(path, 5000));
        refuses(path, i == 0 || i == 3 ? "not a session table"
                      : i == 4         ? "wrong size"
                                       : "another version");
    }
    assert_null(table_make("/nonexistent/table", 1, 1, (gid_t)-1, why, sizeof why));
    assert_non_null(strstr(why, "/nonexistent/table: No such file"));
    assert_null(table_make(path, 0, 1, (gid_t)-1, why, sizeof why));
    assert_null(table_make(path, 1, 1u << 30, (gid_t)-1, why, sizeof why));
}

/* Not for everybody's eyes, and no more of the disk than is in use. */
static void test_file(void **state)
{
    struct table *t = make(4, 100000);
    struct stat before, after;

    (void)state;
    assert_int_equal(0, stat(path, &before));
    assert_int_equal(0640, before.st_mode & 07777);
    assert_true(before.st_size > 200000000);
    assert_true(before.st_blocks * 512 < 20000000);
    assert_true(put(t, 3, 1, 1));
    assert_int_equal(0, stat(path, &after));
    assert_true((after.st_blocks - before.st_blocks) * 512 < 200000);
    table_close(&t);
}

/* What a worker does to the header leads no reader astray. */
static void test_spoilt_header(void **state)
{
    struct table *t = make(2, 8), *reader = open_it();
    struct table_entry e;
    struct table_key key = key_of(7);

    (void)state;
    assert_true(put(t, 1, 7, 1));
    t->map->parts = 4096;
    t->map->entries = 1 << 20;
    assert_true(table_find(reader, &key, &e));
    key = key_of(8);
    assert_false(table_find(reader, &key, &e));
    table_close(&reader);
    table_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_half_written), cmocka_unit_test(test_spoilt_chain),
        cmocka_unit_test(test_made_anew),    cmocka_unit_test(test_refused),
        cmocka_unit_test(test_file),         cmocka_unit_test(test_spoilt_header),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
