/* SPDX-License-Identifier: Apache-2.0
 *
 * Files are finished and begun, moved by hand, and their writer killed, at random: each row is
 * there once, and one who follows the file sees each once. T_SEED and T_STEPS say which and how
 * long.
 */
#include "t/lib/books.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

/* A reader that follows the file: by its inode to the end, then by its name. */
struct follower {
    int fd;
    char part[256];
    size_t len, lines;
};

static void take_lines(struct follower *f)
{
    char bytes[65536];
    ssize_t got;

    while ((got = read(f->fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            char want[32];

            assert_true(f->len < sizeof f->part - 1);
            f->part[f->len++] = bytes[i];
            if (bytes[i] != '\n')
                continue;
            f->part[f->len] = '\0';
            f->len = 0;
            snprintf(want, sizeof want, "d,n%zu,,,\r\n", f->lines);
            if (strcmp(f->part, HEADER) == 0)
                continue;
            assert_string_equal(f->part, want);
            f->lines++;
        }
    }
}

static void follow(struct follower *f)
{
    struct stat ours, there;

    if (f->fd >= 0)
        take_lines(f);
    if (stat(csv, &there) != 0)
        return;
    if (f->fd >= 0 && fstat(f->fd, &ours) == 0 && ours.st_ino == there.st_ino)
        return;
    if (f->fd >= 0) {
        take_lines(f);
        close(f->fd);
    }
    f->fd = open(csv, O_RDONLY);
    f->len = 0; /* what is torn there comes whole in the new one */
    take_lines(f);
}

struct walk {
    unsigned seed;
    struct spool *spool;
    struct follower follower;
    int rows, hands;
    double now;
};

static void random_step(struct walk *w)
{
    struct marks marks;
    char text[32];

    switch (rand_r(&w->seed) % 12) {
    case 0: /* killed after the batch was kept */
        (void)ledger_gather(ledger);
        ledger_close(&ledger);
        open_ledger();
        break;
    case 1: /* killed between the write and its mark, and moved by hand then or not */
        step_to_the_end();
        snprintf(text, sizeof text, "n%d", w->rows++);
        spool_row(w->spool, RECORD_ROW, "d", text);
        assert_int_equal(ledger_gather(ledger), LEDGER_BUSY);
        read_marks(&marks);
        assert_true(ledger_write(ledger));
        ledger_close(&ledger);
        write_marks(&marks);
        follow(&w->follower);
        if (rand_r(&w->seed) % 2) {
            snprintf(text, sizeof text, "hand%d", w->hands++);
            (void)!rename(csv, in_folder(text));
        }
        open_ledger();
        break;
    case 2: /* moved by hand at any time */
        follow(&w->follower);
        snprintf(text, sizeof text, "hand%d", w->hands++);
        (void)!rename(csv, in_folder(text));
        break;
    case 3:
        clock_hold(w->now += rand_r(&w->seed) % 100);
        break;
    case 4: /* killed at rest */
        ledger_close(&ledger);
        open_ledger();
        break;
    case 5:
    case 6:
        (void)ledger_step(ledger);
        break;
    default:
        snprintf(text, sizeof text, "n%d", w->rows++);
        spool_row(w->spool, RECORD_ROW, "d", text);
        break;
    }
    follow(&w->follower);
}

/* Rows of all files of a folder, each of which has its header and is not too big. */
static size_t count_rows(const char *in, char seen[], size_t most)
{
    struct dirent *e;
    size_t count = 0;
    DIR *d = opendir(in);

    while ((e = readdir(d))) {
        char path[512], *at, *end;

        snprintf(path, sizeof path, "%s/%s", in, e->d_name);
        if (strncmp(e->d_name, "acct", 4) != 0 && strncmp(e->d_name, "hand", 4) != 0)
            continue;
        at = contents(path);
        assert_row(*at == '\0' || strncmp(at, HEADER, strlen(HEADER)) == 0, path);
        assert_row(strlen(at) <= files[0].max_size, path);
        for (at += *at ? strlen(HEADER) : 0; *at; at = end + 1) {
            unsigned long n = strtoul(at + 3, NULL, 10);

            end = strchr(at, '\n');
            assert_row(end && n < most && strncmp(at, "d,n", 3) == 0, at);
            assert_row(!seen[n], at);
            seen[n] = 1;
            count++;
        }
    }
    closedir(d);
    return count;
}

static void random_walk(void **state)
{
    static char seen[20000];
    const char *said = getenv("T_SEED"), *steps = getenv("T_STEPS");
    struct walk w = {.seed = said ? (unsigned)strtoul(said, NULL, 10) : (unsigned)getpid(),
                     .follower.fd = -1,
                     .now = 1000000};
    unsigned seed = w.seed;
    size_t count;

    (void)state;
    print_message("# T_SEED=%u\n", seed);
    memset(seen, 0, sizeof seen);
    move_there();
    files[0].max_size = sizeof HEADER - 1 + 600; /* no batch fills two: a reader would miss one */
    files[0].move_interval = 300;
    w.spool = open_spool("delivered");
    open_ledger();
    for (long i = 0; i < (steps ? strtol(steps, NULL, 10) : 2000) && w.rows < 20000 - 1; i++)
        random_step(&w);
    step_to_the_end();
    follow(&w.follower);
    close(w.follower.fd);
    count = count_rows(folder, seen, sizeof seen) + count_rows(moved, seen, sizeof seen);
    assert_int_equal(count, w.rows);
    assert_int_equal(w.follower.lines, w.rows);
    spool_close(&w.spool);
}

/* The segment is lost while nobody looks; what was read of it is kept. */
static void an_intent_outlives_its_segment(void **state)
{
    struct spool *s = open_spool("delivered");
    struct spool_segment *all;
    size_t count;

    (void)state;
    open_ledger();
    spool_row(s, RECORD_INTENT, "d", "one");
    step_to_the_end();
    ledger_close(&ledger);
    spool_close(&s);
    count = spool_list(spool_folder, &all);
    assert_int_equal(count, 1);
    assert_true(spool_remove(spool_folder, all[0].name));
    free(all);
    open_ledger();
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "t,one,smtp;451 4.4.2 outcome unknown,,\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_ALL(an_intent_outlives_its_segment),
                                       WITH_ALL(random_walk)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
