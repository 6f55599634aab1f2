/* SPDX-License-Identifier: Apache-2.0
 *
 * From the backlog into a program, which the test plays at the other end of a pipe.
 */
#include "milter/pipes/feed.h"

#include "t/lib/pipes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct feed feed;
static struct reader reader;
static int program; /* its standard input */

/* What it read, from the start of the test on. */
static char got[4 << 20];
static size_t got_len;

static void start(void)
{
    int ends[2];

    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    reader = (struct reader){.name = "some", .input = ends[1], .output = -1, .end = -1};
    program = ends[0];
}

static void open_feed(void)
{
    assert_true(feed_open(&feed, pipes_state, PIPES_TITLE, false, 1000));
    assert_true(feed_hold(&feed));
}

static size_t read_some(size_t most)
{
    ssize_t len = read(program, got + got_len, most);

    assert_true(got_len + most < sizeof got);
    got_len += len > 0 ? (size_t)len : 0;
    got[got_len] = '\0';
    return len > 0 ? (size_t)len : 0;
}

static void end(bool done)
{
    feed_end(&feed, done);
    close(reader.input);
    close(program);
}

/* It dies, and so does the feeder. */
static void die(void)
{
    end(false);
    feed_close(&feed);
    open_feed();
}

static void read_all(void)
{
    enum feed_end sent;

    do {
        sent = feed_send(&feed, &reader, false);
        assert_int_not_equal(sent, FEED_BROKEN);
    } while (read_some(65536) > 0 || sent == FEED_FULL);
}

static int make(void **state)
{
    got_len = 0;
    return pipes_make(state);
}

static int clear(void **state)
{
    feed_close(&feed);
    return pipes_remove(state);
}
#define WITH_FEED(test) cmocka_unit_test_setup_teardown(test, make, clear)

static void all_rows_in_their_order(void **state)
{
    (void)state;
    open_feed();
    assert_false(feed_begin(&feed)); /* there is nothing */
    pipes_put("rows.csv", "type,rc");
    assert_false(feed_begin(&feed)); /* half a header */
    pipes_rows("rows-2026-01-01-0000.csv", 1, 2);
    pipes_rows("rows-2026-01-01-0001.csv", 3, 1);
    pipes_put("rows.csv", PIPES_HEADER "d,000004\r\nd,0000");
    start();
    assert_true(feed_begin(&feed));
    read_all();
    assert_string_equal(got, PIPES_HEADER "d,000001\r\nd,000002\r\nd,000003\r\nd,000004\r\n");
    assert_false(feed_waits(&feed));
    pipes_rows("rows.csv", 4, 2);
    read_all();
    assert_string_equal(got + got_len - 10, "d,000005\r\n");
    assert_false(pipes_has("rows-2026-01-01-0000.csv"));
    end(true);
    start();
    assert_true(feed_begin(&feed));
    read_all();
    assert_string_equal(got + got_len - 21, "d,000005\r\n" PIPES_HEADER);
    assert_false(pipes_has("rows-2026-01-01-0001.csv"));
    assert_true(pipes_has("rows.csv"));
    end(true);
}

/* The header is given once at each start; another one wants another start. */
static void other_columns_begin_anew(void **state)
{
    (void)state;
    pipes_rows("rows-2026-01-01-0000.csv", 1, 1);
    pipes_put("rows.csv", "type,orig\r\nd,000002\r\n");
    open_feed();
    start();
    assert_true(feed_begin(&feed));
    assert_int_equal(feed_send(&feed, &reader, false), FEED_ALL);
    (void)read_some(65536);
    assert_int_equal(feed_send(&feed, &reader, false), FEED_ANEW);
    end(true);
    start();
    assert_true(feed_begin(&feed));
    read_all();
    assert_string_equal(got, PIPES_HEADER "d,000001\r\ntype,orig\r\nd,000002\r\n");
    end(true);
}

/* The numbers of the rows that it got whole, each once in `times`. How many bytes came again. */
static size_t count_rows(unsigned char *times, unsigned most)
{
    size_t twice = 0;

    memset(times, 0, most);
    for (const char *at = got; (at = strstr(at, "\nd,")); at++) {
        unsigned n = (unsigned)strtoul(at + 3, NULL, 10);

        assert_true(n < most);
        if (strchr(at + 3, '\r') == at + 9 && times[n]++)
            twice += 10;
    }
    return twice;
}

/* What it had read when it read again is done; the rest comes again, in whole rows. */
static void after_a_death_nothing_is_left_out(void **state)
{
    enum { ROWS = 60000, DEATHS = 5 };
    static unsigned char times[ROWS];

    (void)state;
    srandom(7);
    pipes_rows("rows-2026-01-01-0000.csv", 0, 20000);
    pipes_rows("rows-2026-01-01-0001.csv", 20000, 20000);
    pipes_rows("rows.csv", 40000, 20000);
    open_feed();
    for (int death = 0; death < DEATHS; death++) {
        size_t before = got_len, most = 50000 + (size_t)random() % 50000;

        start();
        assert_true(feed_begin(&feed));
        while (got_len < before + most) {
            (void)!feed_send(&feed, &reader, false);
            (void)read_some(1 + (size_t)random() % 9000);
            (void)!feed_look(&feed, &reader);
        }
        got[got_len++] = '\n'; /* what was read of a torn row does not count */
        die();
    }
    start();
    assert_true(feed_begin(&feed));
    read_all();
    assert_in_range(count_rows(times, ROWS), 1, DEATHS * (128 << 10));
    for (unsigned i = 0; i < ROWS; i++)
        assert_true(times[i] > 0);
    end(true);
}

/* The place as it lies on the disk, and the first row of the next start; 100 rows in each file,
 * the first of which is there while it has rows that were not read. */
static const struct {
    const char *name;
    bool inode; /* that of the first file, or of none */
    uint64_t offset;
    size_t bytes; /* of the place file */
    const char *first;
} places[] = {
    {"none", false, 0, 0, "d,000000\r\n"},
    {"torn", true, 511, 15, "d,000000\r\n"},
    {"torn in its middle", true, 511, 8, "d,000000\r\n"},
    {"the beginning", true, 0, 16, "d,000100\r\n"},
    {"in the header", true, 5, 16, "d,000100\r\n"},
    {"between rows", true, 511, 16, "d,000150\r\n"},
    {"within a row", true, 515, 16, "d,000150\r\n"},
    {"before a row's last byte", true, 520, 16, "d,000150\r\n"},
    {"behind the last", true, 1011, 16, "d,000200\r\n"},
    {"behind the end", true, 5000, 16, "d,000100\r\n"},
    {"beyond all", true, UINT64_MAX, 16, "d,000100\r\n"},
    {"no such segment", false, 511, 16, "d,000000\r\n"},
};

static void the_place_is_where_it_can_be(void **state)
{
    char path[BACKLOG_PATH];

    (void)state;
    snprintf(path, sizeof path, "%s/position", pipes_backlog.folder);
    for (size_t i = 0; i < COUNT_OF(places); i++) {
        struct segment *all;
        struct mark m = {1, places[i].offset};
        int fd;

        if (places[i].first[5] == '0')
            pipes_rows("rows-0.csv", 0, 100);
        pipes_rows("rows-1.csv", 100, 100);
        pipes_rows("rows.csv", 200, 100);
        (void)backlog_list(&pipes_backlog, &all);
        if (places[i].inode)
            m.inode = all[0].inode;
        free(all);
        fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        assert_int_equal(write(fd, &m, places[i].bytes), places[i].bytes);
        close(fd);
        open_feed();
        start();
        got_len = 0;
        assert_row(feed_begin(&feed), places[i].name);
        read_all();
        assert_row(!strncmp(got, PIPES_HEADER, strlen(PIPES_HEADER)), places[i].name);
        assert_row(!strncmp(got + strlen(PIPES_HEADER), places[i].first, 10), places[i].name);
        assert_row(!strcmp(got + got_len - 10, "d,000299\r\n"), places[i].name);
        end(true);
        feed_close(&feed);
    }
    open_feed();
}

/* Killed between the steps of removing a segment that was read: see backlog.h. */
static void one_that_was_left_does_not_come_again(void **state)
{
    struct segment *all;
    int fd;

    (void)state;
    for (int at_left = 0; at_left < 2; at_left++) {
        pipes_rows("rows-0.csv", 0, 100);
        pipes_rows("rows-1.csv", 100, 100);
        pipes_rows("rows.csv", 200, 1);
        assert_int_equal(backlog_list(&pipes_backlog, &all), 3);
        fd = mark_open(&pipes_backlog);
        mark_keep(fd, &(struct mark){all[at_left ? 0 : 1].inode, at_left ? 1001 : 111});
        close(fd);
        backlog_leave(&pipes_backlog, &all[0]);
        free(all);
        assert_true(pipes_has("left-0.csv"));
        open_feed();
        assert_false(pipes_has("left-0.csv"));
        start();
        got_len = 0;
        assert_true(feed_begin(&feed));
        read_all();
        assert_int_equal(got_len, strlen(PIPES_HEADER) + (at_left ? 1020 : 910));
        assert_memory_equal(got + strlen(PIPES_HEADER), at_left ? "d,000099" : "d,000110", 8);
        end(true);
        feed_close(&feed);
    }
    open_feed();
}

static unsigned dropped(void)
{
    const char *at = strstr(heard_lines(), " rows-dropped ");

    at = at ? strstr(at, " rows=") : NULL;
    return at ? (unsigned)strtoul(at + 6, NULL, 10) : 0;
}

/* 1000 bytes may wait; a file of 40 rows has 411. */
static void the_oldest_is_dropped(void **state)
{
    (void)state;
    pipes_rows("rows-0.csv", 0, 40);
    pipes_rows("rows-1.csv", 40, 40);
    open_feed();
    feed_shrink(&feed, false);
    assert_int_equal(dropped(), 0);
    pipes_rows("rows.csv", 80, 40);
    feed_shrink(&feed, false);
    assert_int_equal(dropped(), 40);
    assert_false(pipes_has("rows-0.csv"));
    assert_true(pipes_has("rows-1.csv"));
    pipes_rows("rows.csv", 80, 400); /* too much by itself, but rows come to it still */
    feed_shrink(&feed, false);
    assert_int_equal(dropped(), 40);
    assert_true(pipes_has("rows.csv"));
    feed_shrink(&feed, false);
    assert_int_equal(dropped(), 0);
}

/* Of one that was begun the rows that were read are not counted, and the place is not in it. */
static void what_was_read_is_not_dropped(void **state)
{
    (void)state;
    pipes_rows("rows-0.csv", 0, 40);
    pipes_rows("rows-1.csv", 40, 40);
    pipes_rows("rows.csv", 80, 1);
    open_feed();
    start();
    assert_true(feed_begin(&feed));
    (void)!feed_send(&feed, &reader, false);
    assert_int_equal(read_some(11 + 100), 111);
    (void)!feed_look(&feed, &reader);
    (void)!feed_look(&feed, &reader);
    assert_int_equal(read_some(100), 100);
    (void)!feed_look(&feed, &reader); /* it read again: the first ten are done */
    pipes_rows("rows.csv", 80, 40);
    feed_shrink(&feed, true);
    assert_int_equal(dropped(), 40); /* that which it is given stays, the next goes */
    assert_true(pipes_has("rows-0.csv"));
    assert_false(pipes_has("rows-1.csv"));
    die();
    pipes_rows("rows.csv", 80, 80);
    feed_shrink(&feed, false);
    assert_int_equal(dropped(), 30);
    assert_false(pipes_has("rows-0.csv"));
    start();
    got_len = 0;
    assert_true(feed_begin(&feed));
    read_all();
    assert_memory_equal(got, PIPES_HEADER "d,000080\r\n", 21);
    end(true);
}

/* One whose master was killed goes on for a while; where it came to is known once it is gone. */
static void there_is_one_feeder(void **state)
{
    struct feed old;

    (void)state;
    pipes_rows("rows.csv", 0, 9);
    open_feed();
    old = feed;
    assert_true(feed_open(&feed, pipes_state, PIPES_TITLE, false, 1000));
    assert_false(feed_hold(&feed));
    mark_keep(old.kept, &(struct mark){7, 8});
    assert_false(feed_hold(&feed));
    feed_close(&old);
    assert_true(feed_hold(&feed));
    assert_int_equal(feed.safe.inode, 7);
    assert_int_equal(feed.safe.offset, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FEED(all_rows_in_their_order),
        WITH_FEED(other_columns_begin_anew),
        WITH_FEED(after_a_death_nothing_is_left_out),
        WITH_FEED(the_place_is_where_it_can_be),
        WITH_FEED(one_that_was_left_does_not_come_again),
        WITH_FEED(the_oldest_is_dropped),
        WITH_FEED(what_was_read_is_not_dropped),
        WITH_FEED(there_is_one_feeder),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
