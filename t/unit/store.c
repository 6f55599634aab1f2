/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lmdb.h>

#include "keep/store.h"

/* In place of LMDB's: how many cursors are open, and were at most when an entry was taken away. */
static int cursors, cursors_at_del;

int mdb_cursor_open(MDB_txn *txn, MDB_dbi table, MDB_cursor **to)
{
    int (*real)(MDB_txn *, MDB_dbi, MDB_cursor **) = dlsym(RTLD_NEXT, "mdb_cursor_open");

    cursors++;
    return real(txn, table, to);
}

void mdb_cursor_close(MDB_cursor *cursor)
{
    void (*real)(MDB_cursor *) = dlsym(RTLD_NEXT, "mdb_cursor_close");

    cursors--;
    real(cursor);
}

int mdb_del(MDB_txn *txn, MDB_dbi table, MDB_val *key, MDB_val *value)
{
    int (*real)(MDB_txn *, MDB_dbi, MDB_val *, MDB_val *) = dlsym(RTLD_NEXT, "mdb_del");

    cursors_at_del = cursors > cursors_at_del ? cursors : cursors_at_del;
    return real(txn, table, key, value);
}

enum { FRUIT, ROOTS };
static const char *const kinds[] = {"fruit", "roots", NULL};

static char folder[64], why[256];
static struct store *store;

static int make_store(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/store.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    store = store_open(folder, kinds, 8 << 20, true, why, sizeof why);
    return store ? 0 : -1;
}

static int remove_store(void **state)
{
    char path[128];

    (void)state;
    store_close(&store);
    snprintf(path, sizeof path, "%s/data.mdb", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/lock.mdb", folder);
    unlink(path);
    return rmdir(folder);
}

static void assert_value(struct store_txn *t, unsigned kind, const char *key, const char *value)
{
    struct span found;

    if (!store_get(t, kind, span_of(key), &found)) {
        assert_null(value);
        return;
    }
    assert_non_null(value);
    assert_true(span_is(found, value));
}

static void what_is_put_is_there(void **state)
{
    struct store_txn *t = store_begin(store);

    (void)state;
    assert_true(store_put(t, FRUIT, SPAN("apple"), SPAN("red"), 0));
    assert_value(t, FRUIT, "apple", "red");
    assert_value(t, ROOTS, "apple", NULL);
    assert_true(store_put(t, FRUIT, SPAN("apple"), SPAN(""), 0));
    assert_value(t, FRUIT, "apple", "");
    assert_true(store_put_both(t, FRUIT, SPAN("plum"), SPAN("dark "), SPAN("blue"), 0));
    assert_value(t, FRUIT, "plum", "dark blue");
    assert_true(store_put_both(t, FRUIT, SPAN("plum"), SPAN("dark"), SPAN(""), 0));
    assert_true(store_commit(&t));
    assert_null(t);

    t = store_begin(store);
    assert_value(t, FRUIT, "plum", "dark");
    assert_value(t, FRUIT, "apple", "");
    assert_true(store_drop(t, FRUIT, SPAN("apple")));
    assert_false(store_drop(t, FRUIT, SPAN("apple")));
    assert_value(t, FRUIT, "apple", NULL);
    store_abort(&t);

    t = store_begin(store);
    assert_value(t, FRUIT, "apple", "");
    store_abort(&t);
    store_abort(&t);
}

static void it_outlives_its_process(void **state)
{
    pid_t child;
    struct store_txn *t;

    (void)state;
    store_close(&store);
    child = fork();
    if (child == 0) {
        store = store_open(folder, kinds, 8 << 20, true, why, sizeof why);
        t = store_begin(store);
        (void)!store_put(t, FRUIT, SPAN("kept"), SPAN("yes"), 0);
        (void)!store_commit(&t);
        t = store_begin(store);
        (void)!store_put(t, FRUIT, SPAN("lost"), SPAN("yes"), 0);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    store = store_open(folder, kinds, 8 << 20, true, why, sizeof why);
    assert_non_null(store);
    t = store_begin(store);
    assert_value(t, FRUIT, "kept", "yes");
    assert_value(t, FRUIT, "lost", NULL);
    assert_true(store_put(t, FRUIT, SPAN("next"), SPAN("yes"), 0));
    assert_true(store_commit(&t));
}

static void what_is_too_old_goes(void **state)
{
    struct store_txn *t = store_begin(store);

    (void)state;
    assert_true(store_put(t, FRUIT, SPAN("a"), SPAN("1"), 300));
    assert_true(store_put(t, FRUIT, SPAN("b"), SPAN("2"), 100));
    assert_true(store_put(t, FRUIT, SPAN("c"), SPAN("3"), 200));
    assert_true(store_put(t, FRUIT, SPAN("d"), SPAN("4"), 0));
    assert_true(store_put(t, ROOTS, SPAN("e"), SPAN("5"), 100));
    assert_int_equal(store_expire(t, FRUIT, 99.5, 10), 0);
    assert_int_equal(store_expire(t, FRUIT, 1000, 1), 1);
    assert_value(t, FRUIT, "b", NULL);
    assert_value(t, FRUIT, "c", "3");
    /* Put again: it has another age now, and no old one. */
    assert_true(store_put(t, FRUIT, SPAN("c"), SPAN("6"), 500));
    assert_int_equal(store_expire(t, FRUIT, 300, 10), 1);
    assert_value(t, FRUIT, "a", NULL);
    assert_value(t, FRUIT, "c", "6");
    assert_true(store_put(t, FRUIT, SPAN("c"), SPAN("7"), 0));
    assert_int_equal(store_expire(t, FRUIT, 1e9, 10), 0);
    assert_value(t, FRUIT, "d", "4");
    assert_value(t, ROOTS, "e", "5");
    assert_true(store_drop(t, ROOTS, SPAN("e")));
    assert_int_equal(store_expire(t, ROOTS, 1e9, 10), 0);
    assert_true(store_commit(&t));
}

/* Many, ascending and not, and between them what else can be done to a table. */
static void adding_goes_on_where_it_was(void **state)
{
    enum { MANY = 3000 };
    struct store_txn *t = store_begin(store);
    char key[100], value[24];

    (void)state;
    for (unsigned i = 0; i < MANY; i++) {
        unsigned number = i % 3 ? i : MANY - i; /* 1 to MANY, each once */

        snprintf(key, sizeof key, "%060u", number);
        snprintf(value, sizeof value, "%u", number);
        assert_true(store_add(t, FRUIT, span_of(key), span_of(value), 1000 + number));
        if (i % 100 == 50) {
            assert_true(store_drop(t, FRUIT, span_of(key)));
            assert_true(store_add(t, FRUIT, span_of(key), span_of(value), 1000 + number));
        }
        if (i % 100 == 70)
            assert_true(store_put(t, FRUIT, span_of(key), span_of(value), 1000 + number));
        if (i % 500 == 400)
            assert_int_equal(store_expire(t, FRUIT, 999, 10), 0);
    }
    assert_true(store_commit(&t));
    t = store_begin(store);
    for (unsigned i = 1; i <= MANY; i++) {
        snprintf(key, sizeof key, "%060u", i);
        snprintf(value, sizeof value, "%u", i);
        assert_value(t, FRUIT, key, value);
    }
    assert_int_equal(store_expire(t, FRUIT, 1000 + MANY / 2, MANY), MANY / 2);
    snprintf(key, sizeof key, "%060u", MANY / 2);
    assert_value(t, FRUIT, key, NULL);
    snprintf(key, sizeof key, "%060u", MANY / 2 + 1);
    assert_value(t, FRUIT, key, "1501");
    assert_true(store_drop(t, FRUIT, span_of(key)));
    assert_int_equal(store_expire(t, FRUIT, 1e9, 2 * MANY), MANY / 2 - 1);
    assert_int_equal(store_count(t, FRUIT), 0);
    store_abort(&t);
}

static void no_cursor_stands_where_an_entry_goes(void **state)
{
    struct store_txn *t = store_begin(store);

    (void)state;
    cursors = cursors_at_del = 0;
    assert_true(store_add(t, FRUIT, SPAN("a"), SPAN("1"), 100));
    assert_int_equal(cursors, 2);
    assert_true(store_drop(t, FRUIT, SPAN("a")));
    assert_true(store_add(t, FRUIT, SPAN("b"), SPAN("2"), 100));
    assert_true(store_put(t, FRUIT, SPAN("b"), SPAN("3"), 200));
    assert_int_equal(store_expire(t, FRUIT, 300, 10), 1);
    assert_int_equal(cursors, 0);
    assert_int_equal(cursors_at_del, 0);
    store_abort(&t);
}

/* What is added has an age as what is put; what is there keeps its value and its age. */
static void what_is_there_stays(void **state)
{
    struct store_txn *t = store_begin(store);

    (void)state;
    assert_true(store_add(t, FRUIT, SPAN("f"), SPAN("1"), 100));
    assert_true(store_add(t, FRUIT, SPAN("f"), SPAN("2"), 900));
    assert_value(t, FRUIT, "f", "1");
    assert_true(store_add(t, FRUIT, SPAN("g"), SPAN(""), 0));
    assert_true(store_add(t, FRUIT, SPAN("g"), SPAN("2"), 100));
    assert_value(t, FRUIT, "g", "");
    assert_int_equal(store_expire(t, FRUIT, 300, 10), 1);
    assert_value(t, FRUIT, "f", NULL);
    assert_value(t, FRUIT, "g", "");
    assert_int_equal(store_expire(t, FRUIT, 1e9, 10), 0);
    assert_true(store_drop(t, FRUIT, SPAN("g")));
    assert_true(store_commit(&t));
}

static bool join_keys(void *arg, struct span key, struct span value)
{
    char *to = arg;

    (void)value;
    snprintf(to + strlen(to), 8, "%.*s", SPAN_ARG(key));
    return strlen(to) < 6;
}

static void it_walks_in_order(void **state)
{
    struct store_txn *t = store_begin(store);
    char seen[32] = "";

    (void)state;
    store_walk(t, FRUIT, join_keys, seen);
    assert_string_equal(seen, "");
    assert_true(store_put(t, FRUIT, SPAN("b2"), SPAN("x"), 0));
    assert_true(store_put(t, FRUIT, SPAN("a1"), SPAN("x"), 9));
    assert_true(store_put(t, FRUIT, SPAN("c3"), SPAN("x"), 0));
    assert_true(store_put(t, FRUIT, SPAN("d4"), SPAN("x"), 0));
    store_walk(t, FRUIT, join_keys, seen);
    assert_string_equal(seen, "a1b2c3");
    seen[0] = '\0';
    store_walk_from(t, FRUIT, SPAN("b3"), join_keys, seen);
    assert_string_equal(seen, "c3d4");
    seen[0] = '\0';
    store_walk_from(t, FRUIT, SPAN("e"), join_keys, seen);
    assert_string_equal(seen, "");
    assert_true(store_commit(&t));
}

static void odd_keys_are_refused(void **state)
{
    char key[501];
    struct span found;
    struct store_txn *t = store_begin(store);

    (void)state;
    memset(key, 'k', sizeof key);
    assert_false(store_put(t, FRUIT, SPAN(""), SPAN("x"), 0));
    assert_false(store_put(t, FRUIT, (struct span){key, 501}, SPAN("x"), 0));
    assert_false(store_put(t, 2, SPAN("x"), SPAN("x"), 0));
    assert_false(store_add(t, FRUIT, SPAN(""), SPAN("x"), 0));
    assert_false(store_add(t, FRUIT, (struct span){key, 501}, SPAN("x"), 0));
    assert_false(store_add(t, 2, SPAN("x"), SPAN("x"), 0));
    assert_false(store_get(t, 2, SPAN("x"), &found));
    assert_false(store_drop(t, FRUIT, SPAN("")));
    assert_int_equal(store_expire(t, 2, 9, 9), 0);
    assert_true(store_put(t, FRUIT, (struct span){key, 500}, SPAN("x"), 5));
    assert_true(store_get(t, FRUIT, (struct span){key, 500}, &found));
    assert_int_equal(store_expire(t, FRUIT, 9, 9), 1);
    assert_true(store_commit(&t));
}

/* A full file says so, keeps what it had, and goes on once there is room. */
static void a_full_store_keeps_what_it_had(void **state)
{
    static char block[1 << 20];
    struct store_txn *t = store_begin(store);
    bool ok = true;

    (void)state;
    assert_true(store_put(t, ROOTS, SPAN("old"), SPAN("x"), 0));
    assert_true(store_commit(&t));
    t = store_begin(store);
    for (char i = 'a'; i < 'a' + 20; i++)
        ok = store_put(t, FRUIT, (struct span){&i, 1}, (struct span){block, sizeof block}, 0) && ok;
    assert_false(ok);
    assert_value(t, ROOTS, "old", NULL); /* it failed, and says nothing more */
    assert_false(store_commit(&t));
    t = store_begin(store);
    assert_value(t, ROOTS, "old", "x");
    assert_true(store_put(t, ROOTS, SPAN("new"), SPAN("y"), 0));
    assert_true(store_commit(&t));
}

static void a_reader_sees_what_was_kept(void **state)
{
    struct store_txn *t = store_begin(store);
    pid_t child;
    int status;

    (void)state;
    assert_true(store_put(t, FRUIT, SPAN("a"), SPAN("1"), 0));
    assert_true(store_commit(&t));
    child = fork();
    if (child == 0) {
        struct store *r = store_open(folder, kinds, 8 << 20, false, why, sizeof why);
        struct span found;
        bool ok = r && (t = store_begin(r)) && store_get(t, FRUIT, SPAN("a"), &found) &&
                  span_is(found, "1") && !store_put(t, FRUIT, SPAN("b"), SPAN("2"), 0);

        store_abort(&t);
        store_close(&r);
        _exit(ok ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void what_cannot_be_opened_says_why(void **state)
{
    (void)state;
    assert_null(store_open("/nowhere/at/all", kinds, 1 << 20, true, why, sizeof why));
    assert_non_null(strstr(why, "/nowhere/at/all"));
    assert_null(store_open("/nowhere/at/all", kinds, 1 << 20, false, why, sizeof why));
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, make_store, remove_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_STORE(what_is_put_is_there),
        WITH_STORE(it_outlives_its_process),
        WITH_STORE(what_is_too_old_goes),
        WITH_STORE(adding_goes_on_where_it_was),
        WITH_STORE(what_is_there_stays),
        WITH_STORE(it_walks_in_order),
        WITH_STORE(odd_keys_are_refused),
        WITH_STORE(a_full_store_keeps_what_it_had),
        WITH_STORE(a_reader_sees_what_was_kept),
        WITH_STORE(what_cannot_be_opened_says_why),
        WITH_STORE(no_cursor_stands_where_an_entry_goes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
