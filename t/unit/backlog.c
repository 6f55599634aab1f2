/* SPDX-License-Identifier: Apache-2.0
 *
 * The rows that wait for a program: their folder, their order and number, how far it came.
 */
#include "t/lib/pipes.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of each: the folder's name, without the digits at its end. */
static const struct {
    const char *title, *name;
} titles[] = {
    {"|/usr/bin/some", "some-"},
    {"|/usr/bin/some a b", "some-"},
    {"| /usr/bin/some 'a b'", "some-"},
    {"|/bin/\"a\\\\b\"", "_a__b_-"},
    {"|/bin/.hidden", "_hidden-"},
    {"|/", "-"},
    {"|/x/0123456789012345678901234567890123456789012345678901234567890123456789",
     "012345678901234567890123456789012345678901234567890123456789-"},
};

static void each_program_has_its_folder(void **state)
{
    struct backlog all[COUNT_OF(titles)];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(titles); i++) {
        struct stat st;
        char *name;

        assert_true(backlog_open(pipes_state, titles[i].title, i % 2, 1 << 20, &all[i]));
        name = strrchr(all[i].folder, '/') + 1;
        assert_row(!strncmp(name, titles[i].name, strlen(titles[i].name)), titles[i].title);
        assert_row(strlen(name) == strlen(titles[i].name) + 16, titles[i].title);
        assert_row(stat(all[i].folder, &st) == 0 && (st.st_mode & 07777) == 0750, titles[i].title);
        assert_string_equal(all[i].live, i % 2 ? "rows.json" : "rows.csv");
        assert_int_equal(backlog_part(&all[i]), (1 << 20) / 16);
        for (size_t k = 0; k < i; k++)
            assert_row(strcmp(all[k].folder, all[i].folder), titles[i].title);
    }
}

static void a_folder_that_cannot_be(void **state)
{
    static char deep[4200];
    struct backlog b;

    (void)state;
    assert_false(backlog_open("/proc/self", PIPES_TITLE, false, 1000, &b));
    memset(deep, '/', sizeof deep - 1);
    assert_false(backlog_open(deep, PIPES_TITLE, false, 1000, &b));
}

static void segments_have_an_order(void **state)
{
    static const char *const want[] = {"rows-2026-01-01-0009.csv", "rows-2026-01-02-0000.csv",
                                       "rows-2026-01-02-0001.csv", "rows.csv"};
    struct segment *all;
    char path[BACKLOG_PATH];
    size_t count;

    (void)state;
    pipes_put("rows.csv", PIPES_HEADER);
    pipes_put("rows-2026-01-02-0001.csv", "12345");
    pipes_put("rows-2026-01-01-0009.csv", "");
    pipes_put("rows-2026-01-02-0000.csv", "");
    pipes_put("position", "");
    pipes_put("other", "");
    snprintf(path, sizeof path, "%s/rows-folder", pipes_backlog.folder);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/rows-link.csv", pipes_backlog.folder);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    count = backlog_list(&pipes_backlog, &all);
    assert_int_equal(count, COUNT_OF(want));
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(all[i].name, want[i]);
        assert_int_equal(all[i].live, i == 3);
        assert_int_not_equal(all[i].inode, 0);
    }
    assert_int_equal(all[2].size, 5);
    backlog_remove(&pipes_backlog, &all[0]);
    backlog_remove(&pipes_backlog, &all[0]); /* gone already: nothing to say */
    assert_string_equal(heard_lines(), "");
    free(all);
    assert_false(pipes_has(want[0]));
}

static const struct {
    const char *name, *text;
    unsigned offset, rows;
} counts[] = {
    {"nothing", "", 0, 0},
    {"a header", "type,rcpt\r\n", 0, 0},
    {"half a header", "type,rc", 0, 0},
    {"rows", "type,rcpt\r\nd,a\r\nd,b\r\n", 0, 2},
    {"behind the header", "type,rcpt\r\nd,a\r\nd,b\r\n", 11, 2},
    {"behind a row", "type,rcpt\r\nd,a\r\nd,b\r\n", 16, 1},
    {"behind all", "type,rcpt\r\nd,a\r\nd,b\r\n", 21, 0},
    {"behind its end", "type,rcpt\r\nd,a\r\n", 400, 0},
    {"a torn one is none", "type,rcpt\r\nd,a\r\nd,b\r", 0, 1},
    {"JSON has no header", "{\"type\":\"d\"}\n{\"type\":\"b\"}\n", 0, 2},
    {"JSON, behind one", "{\"type\":\"d\"}\n{\"type\":\"b\"}\n", 13, 1},
};

static void rows_are_counted(void **state)
{
    struct segment *all;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(counts); i++) {
        pipes_put("rows.csv", counts[i].text);
        assert_int_equal(backlog_list(&pipes_backlog, &all), 1);
        assert_row(backlog_rows(&pipes_backlog, &all[0], counts[i].offset) == counts[i].rows,
                   counts[i].name);
        free(all);
    }
    pipes_rows("rows.csv", 0, 20000); /* in several pieces */
    assert_int_equal(backlog_list(&pipes_backlog, &all), 1);
    assert_int_equal(backlog_rows(&pipes_backlog, &all[0], 0), 20000);
    backlog_remove(&pipes_backlog, &all[0]);
    assert_int_equal(backlog_rows(&pipes_backlog, &all[0], 0), 0);
    free(all);
}

/* Torn at any byte it is as if it were not there. */
static void a_mark_is_whole_or_none(void **state)
{
    struct mark m, kept = {77, 1234};
    char path[BACKLOG_PATH];
    int fd = mark_open(&pipes_backlog);

    (void)state;
    assert_true(fd >= 0);
    m = mark_read(fd);
    assert_int_equal(m.inode + m.offset, 0);
    snprintf(path, sizeof path, "%s/position", pipes_backlog.folder);
    for (off_t len = 0; len <= (off_t)sizeof m; len++) {
        bool whole = len == sizeof m;

        mark_keep(fd, &kept);
        close(fd);
        assert_int_equal(truncate(path, len), 0);
        fd = mark_open(&pipes_backlog);
        m = mark_read(fd);
        assert_int_equal(m.inode, whole ? 77 : 0);
        assert_int_equal(m.offset, whole ? 1234 : 0);
    }
    close(fd);
    assert_string_equal(heard_lines(), "");
    mark_keep(-1, &kept);
    assert_non_null(strstr(heard_lines(), " position-unwritten "));
}

static void folders_of_others_go(void **state)
{
    static const char *const titles_left[] = {"|/usr/bin/other", PIPES_TITLE};
    struct segment *all;
    const char *log;
    struct backlog other;
    int fd;

    (void)state;
    assert_true(backlog_open(pipes_state, titles_left[0], false, 1000, &other));
    pipes_rows("rows-2026-01-01-0000.csv", 0, 5);
    pipes_rows("rows.csv", 5, 3);
    pipes_rows("left-2025-12-31-0000.csv", 0, 9);
    backlog_clear_others(pipes_state, titles_left, 2);
    assert_string_equal(heard_lines(), "");
    assert_int_equal(backlog_list(&pipes_backlog, &all), 2);
    fd = mark_open(&pipes_backlog); /* two rows of the first were read */
    mark_keep(fd, &(struct mark){all[0].inode, strlen(PIPES_HEADER) + 20});
    close(fd);
    free(all);
    backlog_clear_others(pipes_state, titles_left, 1);
    log = heard_lines();
    assert_non_null(strstr(log, " backlog-removed level=error "));
    assert_non_null(strstr(log, " rows=6 "));
    assert_int_not_equal(access(pipes_backlog.folder, F_OK), 0);
    assert_int_equal(access(other.folder, F_OK), 0);
    backlog_clear_others(pipes_state, NULL, 0);
    log = heard_lines();
    assert_non_null(strstr(log, " backlog-removed "));
    assert_non_null(strstr(log, " rows=0 "));
    assert_null(strstr(log, "level=error"));
    assert_int_not_equal(access(other.folder, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_PIPES(each_program_has_its_folder), WITH_PIPES(a_folder_that_cannot_be),
        WITH_PIPES(segments_have_an_order),      WITH_PIPES(rows_are_counted),
        WITH_PIPES(a_mark_is_whole_or_none),     WITH_PIPES(folders_of_others_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
