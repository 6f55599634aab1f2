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
#include "t/lib/ca.h"

static char path[128];

static struct table *make(unsigned parts, unsigned entries)
{
    char why[256] = "";
    struct table *t = table_make(path, parts, entries, (gid_t)-1, why, sizeof why);

    assert_string_equal("", why);
    assert_non_null(t);
    return t;
}

static struct table *open_it(void)
{
    char why[256] = "";
    struct table *t = table_open(path, why, sizeof why);

    assert_string_equal("", why);
    assert_non_null(t);
    return t;
}

static struct table_key key_of(unsigned n)
{
    struct table_key k = {.client.port = (uint16_t)n, .server.port = 25};

    memcpy(k.client.ip, &n, sizeof n);
    return k;
}

/* Every byte of its texts tells `n` and `turn`, so a mixture of two shows. */
static struct table_entry entry_of(unsigned n, unsigned turn)
{
    struct table_entry e = {
        .secure = true, .client.port = (uint16_t)n, .tls.bits = (int)(n + turn)};

    memset(e.session.text, 'a' + (int)(turn % 26), sizeof e.session.text - 1);
    memset(e.rule, 'a' + (int)(turn % 26), sizeof e.rule - 1);
    memset(e.tls.peer_subject, 'a' + (int)(turn % 26), sizeof e.tls.peer_subject - 1);
    return e;
}

static bool is_whole(const struct table_entry *e, unsigned n)
{
    struct table_entry like = entry_of(n, (unsigned)(e->tls.bits - (int)n));

    return memcmp(&like.session, &e->session, sizeof like.session) == 0 &&
           memcmp(like.rule, e->rule, sizeof like.rule) == 0 && e->client.port == (uint16_t)n &&
           memcmp(&like.tls.peer_subject, e->tls.peer_subject, sizeof like.tls.peer_subject) == 0;
}

static bool put(struct table *t, unsigned part, unsigned n, unsigned turn)
{
    const struct table_key k = key_of(n), keys[] = {k, k};
    struct table_entry e = entry_of(n, turn);

    return table_put(t, part, keys, &e);
}

/* -1: not there; -2: half of it; else its turn. */
static int find(const struct table *t, unsigned n)
{
    struct table_key k = key_of(n);
    struct table_entry e;

    if (!table_find(t, &k, &e))
        return -1;
    if (!is_whole(&e, n))
        return -2;
    return e.tls.bits - (int)n;
}

static void drop(struct table *t, unsigned part, unsigned n)
{
    struct table_key k = key_of(n);

    table_drop(t, part, &k);
}

static void test_put_find_drop(void **state)
{
    struct table *t = make(2, 10), *reader = open_it();

    (void)state;
    assert_int_equal(-1, find(reader, 1));
    assert_true(put(t, 0, 1, 5));
    assert_true(put(t, 1, 2, 6));
    assert_int_equal(5, find(reader, 1));
    assert_int_equal(6, find(reader, 2));
    assert_int_equal(-1, find(reader, 3));
    assert_true(put(t, 0, 1, 7)); /* replaced */
    assert_int_equal(7, find(reader, 1));
    drop(t, 1, 1); /* another's part */
    assert_int_equal(7, find(reader, 1));
    drop(t, 0, 1);
    drop(t, 0, 1);
    assert_int_equal(-1, find(reader, 1));
    assert_int_equal(6, find(reader, 2));
    table_clear(t, 1);
    assert_int_equal(-1, find(reader, 2));
    assert_false(put(t, 2, 1, 1)); /* no such part */
    drop(t, 2, 1);
    table_clear(t, 2);
    table_close(&reader);
    table_close(&t);
}

/* Both ends count. */
static void test_keys(void **state)
{
    struct table *t = make(1, 10);
    struct table_key k = key_of(1);
    struct table_entry e = entry_of(1, 0);

    (void)state;
    assert_true(table_put(t, 0, (struct table_key[]){k, key_of(2)}, &e));
    for (size_t i = 0; i < sizeof k; i++) {
        struct table_key other = k;

        ((unsigned char *)&other)[i] ^= 1;
        assert_false(table_find(t, &other, &e));
    }
    assert_true(table_find(t, &k, &e));
    k = key_of(2);
    assert_true(table_find(t, &k, &e));
    table_close(&t);
}

static void test_full(void **state)
{
    enum { MANY = 5000 };
    struct table *t = make(2, MANY), *reader = open_it();

    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned n = 0; n < MANY; n++)
            assert_true(put(t, 1, n, round));
        assert_false(put(t, 1, MANY, round));
        assert_true(put(t, 1, 7, round)); /* replacing needs no room */
        assert_true(put(t, 0, MANY, round));
        for (unsigned n = 0; n <= MANY; n++)
            assert_int_equal(round, find(reader, n));
        drop(t, 0, MANY);
        for (unsigned n = 0; n < MANY && round < 2; n++)
            drop(t, 1, n);
    }
    table_clear(t, 1);
    for (unsigned n = 0; n < MANY; n++)
        assert_int_equal(-1, find(reader, n));
    assert_true(put(t, 1, 1, 1));
    assert_int_equal(1, find(reader, 1));
    table_close(&reader);
    table_close(&t);
}

/* A port is used again while the old worker still keeps what it was. */
static void test_youngest(void **state)
{
    struct table *t = make(3, 10);

    (void)state;
    clock_hold(100);
    assert_true(put(t, 1, 1, 1));
    clock_hold(101);
    assert_true(put(t, 0, 1, 2));
    assert_int_equal(2, find(t, 1));
    clock_hold(102);
    assert_true(put(t, 2, 1, 3));
    assert_int_equal(3, find(t, 1));
    drop(t, 2, 1);
    assert_int_equal(2, find(t, 1));
    clock_hold(-1);
    table_close(&t);
}

static void write_on(struct table *t)
{
    for (unsigned turn = 1;; turn = turn % 1000000 + 1) {
        if (!put(t, 0, 1, turn) || !put(t, 0, 2, turn))
            _exit(1);
        drop(t, 0, 2);
    }
}

/* A writer at full speed, a reader in another process: never half an entry, never one that is
 * there and not found, though the writer be stopped anywhere. */
static void test_never_torn(void **state)
{
    struct table *t = make(1, 10), *reader = open_it();
    int turns = 0, last = -1, there = 0;

    (void)state;
    assert_true(put(t, 0, 1, 0));
    pid_t pid = fork();

    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() != 1)
            write_on(t);
        _exit(1);
    }
    for (int i = 0; pid > 0 && i < 100000000 && turns < 2000; i++) {
        int turn = find(reader, 1);

        if (turn < 0)
            break;
        turns += turn != last;
        last = turn;
        int other = find(reader, 2); /* comes and goes, but is whole */

        if (other < -1)
            break;
        there += other >= 0;
    }
    kill(pid, SIGKILL);
    assert_int_equal(pid, waitpid(pid, NULL, 0));
    assert_int_equal(2000, turns);
    assert_true(there > 0);

    /* Killed at any point: the master clears, the next worker writes. */
    table_clear(t, 0);
    assert_int_equal(-1, find(reader, 1));
    for (unsigned n = 0; n < 10; n++)
        assert_true(put(t, 0, n, n));
    for (unsigned n = 0; n < 10; n++)
        assert_int_equal(n, find(reader, n));
    table_close(&reader);
    table_close(&t);
}

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

static bool put_two(struct table *t, unsigned a, unsigned b, unsigned turn)
{
    const struct table_key keys[] = {key_of(a), key_of(b)};
    struct table_entry e = entry_of(a, turn);

    return table_put(t, 0, keys, &e);
}

static bool leads_to(const struct table *t, unsigned key, unsigned n, unsigned turn)
{
    struct table_key k = key_of(key);
    struct table_entry e;

    return table_find(t, &k, &e) && is_whole(&e, n) && e.tls.bits == (int)(n + turn);
}

/* What both lead to stays until neither does. */
static void test_two_keys(void **state)
{
    struct table *t = make(1, 4);

    (void)state;
    for (unsigned turn = 0; turn < 100; turn++) {
        assert_true(put_two(t, 1, 1001, turn));
        assert_true(leads_to(t, 1, 1, turn) && leads_to(t, 1001, 1, turn));
        assert_true(put_two(t, 2, 1002, turn));
        assert_false(put_two(t, 3, 1003, turn)); /* neither of them, then */
        assert_false(put_two(t, 2, 1003, turn)); /* and the old one stays */
        assert_true(leads_to(t, 2, 2, turn) && leads_to(t, 1002, 2, turn));
        assert_true(put_two(t, 2, 1001, turn + 1)); /* one key of each */
        assert_true(leads_to(t, 1, 1, turn) && leads_to(t, 1002, 2, turn));
        assert_true(leads_to(t, 2, 2, turn + 1) && leads_to(t, 1001, 2, turn + 1));
        drop(t, 0, 1);
        drop(t, 0, 1002);
        assert_true(leads_to(t, 2, 2, turn + 1) && leads_to(t, 1001, 2, turn + 1));
        drop(t, 0, 2);
        assert_true(leads_to(t, 1001, 2, turn + 1));
        drop(t, 0, 1001);
        assert_int_equal(-1, find(t, 1001));
        assert_int_equal(0, part_of(t, 0)->used);
        assert_in_range(part_of(t, 0)->fresh, 1, 6); /* three were there at once: all came back */
    }
    table_close(&t);
}

/* Texts of any length come out as they went in. */
static void test_lengths(void **state)
{
    struct table *t = make(1, 4);

    (void)state;
    for (size_t len = 0; len < sizeof(((struct tls_facts *)0)->peer_subject); len++) {
        const struct table_key k = key_of(1), keys[] = {k, k};
        struct table_entry e = {.secure = true, .rule = "submission", .tls.bits = -1}, out;

        memset(e.tls.protocol, 'p', len % sizeof e.tls.protocol);
        memset(e.tls.sni, 's', len / 2);
        memset(e.tls.peer_subject, 'x', len);
        memset(e.tls.peer_key_fingerprint, 'f', len % sizeof e.tls.peer_key_fingerprint);
        e.tls.resumed = len % 2;
        assert_true(table_put(t, 0, keys, &e));
        assert_true(table_find(t, &k, &out));
        assert_memory_equal(&e, &out, sizeof e);
        e.secure = false;
        assert_true(table_put(t, 0, keys, &e));
        assert_true(table_find(t, &k, &out));
        assert_string_equal("submission", out.rule);
        assert_string_equal("", out.tls.peer_subject); /* all empty unless secure */
    }
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

static int set_up(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "%s/table", ca_folder());
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ca_sweep();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_find_drop), cmocka_unit_test(test_keys),
        cmocka_unit_test(test_full),          cmocka_unit_test(test_youngest),
        cmocka_unit_test(test_never_torn),    cmocka_unit_test(test_half_written),
        cmocka_unit_test(test_made_anew),     cmocka_unit_test(test_refused),
        cmocka_unit_test(test_file),          cmocka_unit_test(test_spoilt_header),
        cmocka_unit_test(test_spoilt_chain),  cmocka_unit_test(test_two_keys),
        cmocka_unit_test(test_lengths),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
