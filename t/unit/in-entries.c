/* SPDX-License-Identifier: Apache-2.0 */
#include "t/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "proxy-in/entries.h"
#include "proxy-in/session.h"

static char folder[] = "/tmp/entriesXXXXXX";
static struct table *table;

static int begin(void **state)
{
    char path[64], why[256];

    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/sessions", folder);
    table = table_make(path, 2, 4, (gid_t)-1, why, sizeof why);
    return table ? 0 : -1;
}

static int end(void **state)
{
    char path[64];

    (void)state;
    table_close(&table);
    snprintf(path, sizeof path, "%s/sessions", folder);
    unlink(path);
    return rmdir(folder);
}

static void make_keys(struct table_key keys[2], unsigned short client, unsigned short ours)
{
    memset(keys, 0, 2 * sizeof *keys);
    assert_true(addr_read(SPAN("192.0.2.7"), &keys[0].client));
    assert_true(addr_read(SPAN("192.0.2.1"), &keys[0].server));
    assert_true(addr_read(SPAN("127.0.0.1"), &keys[1].client));
    assert_true(addr_read(SPAN("127.0.0.1"), &keys[1].server));
    keys[0].client.port = client;
    keys[1].client.port = ours;
}

static struct table_entry of_session(const char *id, bool secure)
{
    struct table_entry e = {.secure = secure};

    snprintf(e.session.text, sizeof e.session.text, "%s", id);
    return e;
}

static bool finds(const struct table_key *key, const char *id, bool secure)
{
    struct table_entry there;

    return table_find(table, key, &there) && strcmp(there.session.text, id) == 0 &&
           there.secure == secure;
}

/* The mail server's milter may ask for a grace after the end, by either key. */
static void stays_for_a_grace(void **state)
{
    struct entries all;
    struct table_key keys[2];
    struct table_entry what = of_session("a", true), gone;
    struct entry *entry;

    (void)state;
    entries_init(&all, table, 0);
    make_keys(keys, 1, 1001);
    entry = entries_put(&all, keys, &what, false);
    assert_non_null(entry);
    assert_true(finds(&keys[0], "a", true) && finds(&keys[1], "a", true));
    entries_leave(&all, &entry, 100);
    assert_null(entry);
    entries_leave(&all, &entry, 100); /* twice does no harm */
    entries_sweep(&all, 100 + ENTRIES_GRACE - 0.1);
    assert_true(finds(&keys[0], "a", true));
    entries_sweep(&all, 100 + ENTRIES_GRACE);
    assert_false(table_find(table, &keys[0], &gone) || table_find(table, &keys[1], &gone));
    entries_clear(&all);
}

/* STARTTLS: the same session comes again, and its old entry does not take the new one along. */
static void comes_again_with_tls(void **state)
{
    struct entries all;
    struct table_key keys[2], again[2];
    struct table_entry clear = of_session("a", false), secret = of_session("a", true), gone;
    struct entry *entry;

    (void)state;
    entries_init(&all, table, 0);
    make_keys(keys, 1, 1001);
    make_keys(again, 1, 1002);
    entry = entries_put(&all, keys, &clear, false);
    entries_leave(&all, &entry, 100);
    entry = entries_put(&all, again, &secret, true);
    entries_sweep(&all, 200);
    assert_true(finds(&keys[0], "a", true) && finds(&again[1], "a", true));
    assert_false(table_find(table, &keys[1], &gone));
    entries_leave(&all, &entry, 200);
    entries_clear(&all);
    assert_false(table_find(table, &again[0], &gone));
}

/* A client's port that is used again within the grace is another session's by then. */
static void leaves_others_alone(void **state)
{
    struct entries all;
    struct table_key keys[2], next[2];
    struct table_entry a = of_session("a", true), b = of_session("b", false);
    struct entry *first, *second;

    (void)state;
    entries_init(&all, table, 0);
    make_keys(keys, 1, 1001);
    make_keys(next, 1, 1002);
    first = entries_put(&all, keys, &a, false);
    entries_leave(&all, &first, 100);
    second = entries_put(&all, next, &b, false);
    entries_sweep(&all, 200);
    assert_true(finds(&next[0], "b", false));
    entries_leave(&all, &second, 200);
    entries_clear(&all);
}

/* A table that is full costs the milter's knowledge, never a session; nothing is left half. */
static void survives_a_full_table(void **state)
{
    struct entries all;
    struct entry *entry[3];
    struct table_entry gone;

    (void)state;
    entries_init(&all, table, 0);
    for (unsigned short i = 0; i < 3; i++) {
        struct table_key keys[2];
        struct table_entry what = of_session("x", true);

        what.session.text[0] = (char)('a' + i);
        make_keys(keys, (unsigned short)(1 + i), (unsigned short)(1001 + i));
        entry[i] = entries_put(&all, keys, &what, false);
        assert_int_equal(entry[i] != NULL, i < 2);
        assert_int_equal(table_find(table, &keys[0], &gone), i < 2);
    }
    entries_leave(&all, &entry[0], 1);
    entries_leave(&all, &entry[1], 1);
    entries_clear(&all);
    entries_init(&all, NULL, 0); /* none at all */
    struct table_key keys[2];
    struct table_entry what = of_session("n", true);

    make_keys(keys, 1, 1);
    assert_null(entries_put(&all, keys, &what, false));
}

/* Many that came and went leave room for who is there. */
static void gives_up_its_grace(void **state)
{
    struct entries all;
    struct table_key keys[2];
    struct table_entry gone;

    (void)state;
    entries_init(&all, table, 0);
    for (unsigned short i = 0; i < 9; i++) {
        struct table_entry what = of_session("x", true);
        struct entry *entry;

        what.session.text[0] = (char)('a' + i);
        make_keys(keys, (unsigned short)(1 + i), (unsigned short)(1001 + i));
        entry = entries_put(&all, keys, &what, false);
        assert_non_null(entry);
        assert_true(finds(&keys[0], what.session.text, true));
        assert_true(finds(&keys[1], what.session.text, true));
        entries_leave(&all, &entry, 1);
    }
    make_keys(keys, 1, 1001);
    assert_false(table_find(table, &keys[0], &gone));
    entries_clear(&all);
}

/* Bytes of a session that stands idle, without its buffers (none) and TLS's own. */
static void is_small(void **state)
{
    (void)state;
    print_message("# a session has %zu bytes\n", sizeof(struct session));
    assert_true(sizeof(struct session) <= 2048);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stays_for_a_grace),   cmocka_unit_test(comes_again_with_tls),
        cmocka_unit_test(leaves_others_alone), cmocka_unit_test(survives_a_full_table),
        cmocka_unit_test(gives_up_its_grace),  cmocka_unit_test(is_small),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
