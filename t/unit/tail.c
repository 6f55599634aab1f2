/* SPDX-License-Identifier: Apache-2.0
 *
 * What is stored through memory, as its readers see it.
 */
#include "tell/tail.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "tell/record.h"
#include "tell/spool.h"
#include "t/lib/spooled.h"
#include "unit.h"

/* Lines of all lengths, over many windows and more than one segment, stored and written. */
static void every_line_finds_its_place(void **state)
{
    static char line[20000];
    enum { LINES = 2000 };
    struct spool *s = opened("delivered");
    struct spool_segment *list;
    size_t number = 0, count, bytes = 0;

    (void)state;
    for (size_t i = 0; i < LINES; i++) {
        size_t len = i * 7919 % sizeof line + 1;

        memset(line, 'a' + (int)(i % 26), len - 1);
        line[len - 1] = '\n';
        assert_true(spool_append(s, (struct span){line, len}));
        bytes += len;
    }
    count = spool_list(folder, &list);
    assert_int_equal(count, bytes / (8 << 20) + 1);
    for (size_t i = 0; i < count; i++) {
        for (size_t at = 0; at < list[i].size;) {
            struct buf b;
            struct span text;

            buf_init(&b, 1 << 16);
            assert_true(spool_read(folder, &list[i], at, &b));
            text = buf_peek(&b);
            assert_true(text.len > 0);
            at += text.len;
            for (; text.len > 0; number++) {
                struct span is = span_cut(&text, '\n');

                assert_int_equal(is.len, number * 7919 % sizeof line);
                for (size_t c = 0; c < is.len; c++)
                    assert_int_equal(is.at[c], 'a' + (int)(number % 26));
            }
            buf_clear(&b);
        }
    }
    assert_int_equal(number, LINES);
    free(list);
    spool_close(&s);
}

/* As its writer left it in the middle of a store: whole lines, half ones, and zeroes. */
static const struct {
    const char *name, *text;
    size_t len, live, closed; /* what is read of it */
} stored[] = {
    {"nothing", "\0\0\0\0", 4, 0, 0},
    {"a whole line", "one\n\0\0\0", 7, 4, 4},
    {"and half of another", "one\ntw\0\0\0", 9, 4, 4},
    {"its end before its front", "one\n\0wo\n\0", 9, 4, 8},
    {"its middle last", "one\nt\0o\n\0", 9, 4, 8},
};

static void a_line_that_is_being_stored_is_not_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(stored); i++) {
        char path[256];
        struct buf b;
        FILE *f;

        snprintf(path, sizeof path, "%s/1-a-1.delivered", folder);
        f = fopen(path, "w");
        assert_int_equal(fwrite(stored[i].text, 1, stored[i].len, f), stored[i].len);
        fclose(f);
        buf_init(&b, 1 << 16);
        assert_true(read_named("1-a-1.delivered", false, &b));
        assert_row(buf_len(&b) == stored[i].live, stored[i].name);
        buf_clear(&b);
        assert_true(read_named("1-a-1.delivered", true, &b));
        assert_row(buf_len(&b) == stored[i].closed, stored[i].name);
        buf_clear(&b);
    }
}

/* Not what is behind its end, whatever room there is: at each length, also that of a page. */
static void the_end_is_where_the_zeroes_begin(void **state)
{
    static const size_t lens[] = {0, 1, 2, 4095, 4096, 4097, 65535, 65536, 300000, 400000};
    static char text[700000];
    char path[256];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(lens); i++) {
        FILE *f;

        memset(text, '\0', sizeof text);
        memset(text, 'x', lens[i]);
        snprintf(path, sizeof path, "%s/1-a-1.delivered", folder);
        for (size_t size = lens[i]; size <= lens[i] + 300000; size += 100000) {
            f = fopen(path, "w");
            assert_int_equal(fwrite(text, 1, size, f), size);
            fclose(f);
            assert_int_equal(last_segment(1).size, lens[i]);
        }
    }
}

/* Somebody cuts the file off below us: the next line is not there, and does not end us. */
static void a_disk_that_fails_under_a_store(void **state)
{
    struct spool *s = opened("delivered");
    char path[256];

    (void)state;
    clock_hold(100);
    assert_true(spool_append(s, SPAN("one\n")));
    assert_true(spool_append(s, SPAN("two\n")));
    snprintf(path, sizeof path, "%s/%s", folder, last_segment(1).name);
    assert_int_equal(truncate(path, 0), 0);
    assert_false(spool_append(s, SPAN("three\n")));
    assert_true(spool_append(s, SPAN("four\n")));
    assert_int_equal(last_segment(2).size, 5);
    clock_hold(-1);
    spool_close(&s);
}

static bool was_told(int fd)
{
    char events[4096];

    return read(fd, events, sizeof events) > 0;
}

/* Who listens hears of the first line, and of one in each little while. */
static void now_and_then_a_line_is_heard(void **state)
{
    struct spool *s = opened("delivered");
    int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);

    (void)state;
    assert_true(inotify_add_watch(fd, folder, IN_MODIFY) >= 0);
    for (double at = 100; at < 101; at += 2 * TAIL_UNTOLD) {
        clock_hold(at);
        assert_true(spool_append(s, SPAN("heard\n")));
        assert_true(was_told(fd));
        clock_hold(at + TAIL_UNTOLD / 2);
        assert_true(spool_append(s, SPAN("not heard\n")));
        assert_false(was_told(fd));
    }
    clock_hold(-1);
    close(fd);
    spool_close(&s);
}

/* A closed segment has no room behind its end, and nothing of it is mapped. */
static void closing_gives_the_room_back(void **state)
{
    struct spool *s = opened("delivered");
    char path[256];
    struct stat st;

    (void)state;
    assert_true(spool_append(s, SPAN("one\n")));
    assert_true(spool_append(s, SPAN("two\n")));
    snprintf(path, sizeof path, "%s/%s", folder, last_segment(1).name);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size >= (maps ? 1 << 16 : 8));
    spool_close(&s);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 8);
}

/* The writer dies by SIGKILL between two lines: its lines are there, its lock is free. */
static void a_killed_writer_leaves_whole_lines(void **state)
{
    int told[2];
    char c;
    pid_t child;
    struct buf b;

    (void)state;
    assert_int_equal(pipe(told), 0);
    child = fork();
    if (child == 0) {
        struct spool *s = spool_open(folder, "delivered", why, sizeof why);

        if (s && maps)
            spool_map(s);
        if (s && spool_reserve(s, RECORD_MAX) && spool_append(s, SPAN("one\n")) &&
            spool_append(s, SPAN("two\n")))
            (void)!write(told[1], "x", 1);
        pause();
    }
    assert_int_equal(read(told[0], &c, 1), 1);
    assert_false(last_segment(1).closed);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_true(last_segment(1).closed);
    assert_int_equal(last_segment(1).size, 8);
    buf_init(&b, 1 << 16);
    assert_true(read_last(1, &b));
    assert_true(span_is(buf_peek(&b), "one\ntwo\n"));
    buf_clear(&b);
    close(told[0]);
    close(told[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(a_killed_writer_leaves_whole_lines),
        WITH_FOLDER(every_line_finds_its_place),
        WITH_FOLDER(closing_gives_the_room_back),
        WITH_FOLDER(a_line_that_is_being_stored_is_not_read),
        WITH_FOLDER(the_end_is_where_the_zeroes_begin),
        MAPPED(a_killed_writer_leaves_whole_lines),
        MAPPED(every_line_finds_its_place),
        MAPPED(closing_gives_the_room_back),
        MAPPED(a_disk_that_fails_under_a_store),
        MAPPED(now_and_then_a_line_is_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
