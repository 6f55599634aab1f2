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
    struct table_key k = key_of(1);
    struct id of_old = entry_of(1, 5).session, of_new = entry_of(1, 7).session;

    table_drop(t, 0, &k, &of_old); /* whose key it was */
    assert_int_equal(7, find(reader, 1));
    table_drop(t, 0, &k, &of_new);
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

/* A long entry goes, and a short one takes its second block and leaves its first as it was. */
static void write_in_turn(struct table *t)
{
    const struct table_key k = key_of(2), keys[] = {k, k};
    const struct table_entry brief = {.session = {"brief"}, .secure = true};

    for (unsigned turn = 1;; turn = turn % 1000000 + 1) {
        if (!put(t, 0, 1, turn))
            _exit(1);
        drop(t, 0, 1);
        if (!table_put(t, 0, keys, &brief))
            _exit(1);
        drop(t, 0, 2);
    }
}

/* What is found is all of one entry. */
static void test_never_mixed(void **state)
{
    struct table *t = make(1, 10), *reader = open_it();
    int there = 0, found = 0;

    (void)state;
    pid_t pid = fork();

    if (pid == 0) {
        if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() != 1)
            write_in_turn(t);
        _exit(1);
    }
    for (int i = 0; pid > 0 && i < 100000000 && there < 100000 && found > -2; i++) {
        found = find(reader, 1);
        there += found >= 0;
    }
    kill(pid, SIGKILL);
    assert_int_equal(pid, waitpid(pid, NULL, 0));
    assert_int_not_equal(-2, found);
    assert_int_equal(100000, there);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_find_drop), cmocka_unit_test(test_keys),
        cmocka_unit_test(test_full),          cmocka_unit_test(test_youngest),
        cmocka_unit_test(test_never_torn),    cmocka_unit_test(test_never_mixed),
        cmocka_unit_test(test_two_keys),      cmocka_unit_test(test_lengths),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
