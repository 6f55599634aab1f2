/* SPDX-License-Identifier: Apache-2.0 */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tell/record.h"
#include "tell/spool.h"
#include "t/lib/spooled.h"
#include "unit.h"

static void what_was_appended_is_read(void **state)
{
    struct spool *s = opened("delivered");
    struct spool_segment one;
    struct buf b;

    (void)state;
    assert_true(spool_append(s, SPAN("one\n")));
    assert_true(spool_append(s, SPAN("two\nthree\n")));
    one = last_segment(1);
    assert_false(one.received);
    assert_false(one.closed);
    assert_int_equal(one.size, 14);
    buf_init(&b, 1 << 16);
    assert_true(spool_read(folder, &one, 0, &b));
    assert_true(span_is(buf_peek(&b), "one\ntwo\nthree\n"));
    buf_clear(&b);
    assert_true(spool_read(folder, &one, 4, &b));
    assert_true(span_is(buf_peek(&b), "two\nthree\n"));
    buf_clear(&b);
    assert_true(spool_read(folder, &one, 14, &b));
    assert_int_equal(buf_len(&b), 0);
    spool_close(&s);
    one = last_segment(1);
    assert_true(one.closed);
    assert_true(spool_remove(folder, one.name));
    assert_false(spool_remove(folder, one.name));
    assert_false(spool_read(folder, &one, 0, &b));
    buf_clear(&b);
}

static void only_whole_lines_are_taken(void **state)
{
    struct spool *s = opened("received");
    struct buf b;

    (void)state;
    assert_false(spool_append(s, SPAN("")));
    assert_false(spool_append(s, SPAN("half")));
    assert_true(last_segment(1).received);
    assert_int_equal(last_segment(1).size, 0);
    assert_true(spool_append(s, SPAN("whole\n")));
    buf_init(&b, 3);
    assert_true(read_last(1, &b));
    assert_int_equal(buf_len(&b), 0);
    buf_clear(&b);
    spool_close(&s);
}

/* A file cut at every byte shows its whole lines and no more. */
static void a_torn_line_stays_unread(void **state)
{
    static const char text[] = "first\nsecond\n";
    char path[256];
    struct buf b;

    (void)state;
    for (size_t len = 0; len < sizeof text; len++) {
        size_t whole = len < 6 ? 0 : len < 13 ? 6 : 13;
        FILE *f;

        snprintf(path, sizeof path, "%s/1-a-1.delivered", folder);
        f = fopen(path, "w");
        assert_int_equal(fwrite(text, 1, len, f), len);
        fclose(f);
        assert_int_equal(last_segment(1).size, len);
        assert_true(last_segment(1).closed);
        buf_init(&b, 1 << 16);
        assert_true(read_named("1-a-1.delivered", true, &b));
        assert_int_equal(buf_len(&b), whole);
        buf_clear(&b);
    }
}

static void junk_without_a_line_end_does_not_block(void **state)
{
    char path[256], junk[RECORD_MAX + 1];
    struct buf b;
    FILE *f;

    (void)state;
    memset(junk, 'x', sizeof junk);
    snprintf(path, sizeof path, "%s/1-a-1.delivered", folder);
    f = fopen(path, "w");
    assert_int_equal(fwrite(junk, 1, sizeof junk, f), sizeof junk);
    fclose(f);
    buf_init(&b, 1 << 16);
    assert_true(read_named("1-a-1.delivered", true, &b));
    assert_int_equal(buf_len(&b), sizeof junk);
    buf_clear(&b);
}

static void other_files_are_left_alone(void **state)
{
    static const char *const others[] = {"x", ".1-a-1.delivered", "1-a-1.delivered.gz",
                                         "1-a-1.other"};
    struct spool_segment *list;
    char path[256];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        snprintf(path, sizeof path, "%s/%s", folder, others[i]);
        close(open(path, O_CREAT | O_WRONLY, 0600));
    }
    snprintf(path, sizeof path, "%s/2-a-1.delivered", folder);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(spool_list(folder, &list), 0);
    free(list);
    assert_int_equal(spool_list("/nowhere/at/all", &list), (size_t)-1);
    assert_null(spool_open("/nowhere/at/all", "received", why, sizeof why));
    assert_non_null(strstr(why, "/nowhere/at/all"));
}

static void segments_sort_by_their_making(void **state)
{
    struct spool *s[3];
    struct spool_segment *list;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(s); i++)
        s[i] = opened(i == 1 ? "received" : "delivered");
    spool_close(&s[0]);
    assert_int_equal(spool_list(folder, &list), 3);
    for (size_t i = 0; i < COUNT_OF(s); i++) {
        assert_int_equal(list[i].received, i == 1);
        assert_int_equal(list[i].closed, i == 0);
        for (size_t j = 0; j < i; j++)
            assert_string_not_equal(list[i].writer, list[j].writer);
    }
    free(list);
    spool_close(&s[1]);
    spool_close(&s[2]);
    spool_close(&s[2]);
}

static void a_full_segment_is_followed_by_the_next(void **state)
{
    static char line[1 << 20];
    struct spool *s = opened("delivered");
    struct spool_segment *list;

    (void)state;
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    for (int i = 0; i < 9; i++)
        assert_true(spool_append(s, (struct span){line, sizeof line}));
    assert_int_equal(spool_list(folder, &list), 2);
    assert_true(list[0].closed);
    assert_false(list[1].closed);
    assert_string_equal(list[0].writer, list[1].writer);
    assert_int_equal(list[0].size, 8 << 20);
    assert_int_equal(list[1].size, 1 << 20);
    free(list);
    spool_close(&s);
}

/* Accountants of before take what ends with the kind alone, and would pass over what is stored
 * behind zeroes: so nothing that is mapped has such a name. */
static void what_is_mapped_has_another_name(void **state)
{
    static const char *const kinds[] = {"received", "delivered"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        struct spool *s = opened(kinds[i]);
        struct spool_segment first = last_segment(1 + 2 * i), next;
        char end[32];

        snprintf(end, sizeof end, ".%s%s", kinds[i], maps ? ".mapped" : "");
        assert_string_equal(strchr(strrchr(first.name, '-'), '.'), end);
        assert_int_equal(first.received, i == 0);
        assert_true(spool_append(s, SPAN("one\n")));
        spool_abandon(s);
        assert_true(spool_append(s, SPAN("two\n")));
        next = last_segment(2 + 2 * i);
        assert_string_equal(strchr(strrchr(next.name, '-'), '.'), end);
        assert_string_equal(next.writer, first.writer);
        assert_int_equal(next.received, i == 0);
        spool_close(&s);
    }
}

/* With a limit on files: what was set aside can be written, what was not shows at once. */
static void a_file_limit_shows_when_room_is_set_aside(void **state)
{
    struct rlimit old, tight;
    struct spool *s = opened("delivered");
    char line[1000];

    (void)state;
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = (struct rlimit){.rlim_cur = 10000, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    assert_false(spool_reserve(s, 10001));
    assert_true(spool_reserve(s, 6000));
    assert_true(spool_reserve(s, 4000));
    assert_false(spool_reserve(s, 1));
    for (int i = 0; i < 10; i++)
        assert_true(spool_append(s, (struct span){line, sizeof line}));
    spool_release(s, 6000);
    spool_release(s, 4000);
    assert_true(spool_append(s, (struct span){line, sizeof line})); /* into the next one */
    spool_close(&s);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(last_segment(2).size, 1000);
}

static int write_whole(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

    close(fd);
    return ok ? 0 : -1;
}

/* As root, or as root of a name space of our own, a disk of 64 KB that only we see. */
static bool small_disk(void)
{
    char uids[64], gids[64];

    if (unshare(CLONE_NEWNS) == 0)
        return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
               mount("none", folder, "tmpfs", 0, "size=64k") == 0;
    snprintf(uids, sizeof uids, "0 %u 1", getuid());
    snprintf(gids, sizeof gids, "0 %u 1", getgid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 &&
           write_whole("/proc/self/setgroups", "deny") == 0 &&
           write_whole("/proc/self/uid_map", uids) == 0 &&
           write_whole("/proc/self/gid_map", gids) == 0 &&
           mount("none", folder, "tmpfs", 0, "size=64k") == 0;
}

/* The disk is filled up from another side after room was set aside. */
static int fill_the_disk(void)
{
    char line[1000], path[256], block[4096] = "";
    struct spool *s = spool_open(folder, "delivered", why, sizeof why);
    struct spool_segment *list;
    int fd;

    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    if (s && maps)
        spool_map(s);
    if (!s || spool_reserve(s, 100000) || !spool_reserve(s, 20000))
        return 1;
    snprintf(path, sizeof path, "%s/other", folder);
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    while (write(fd, block, sizeof block) > 0)
        ;
    for (int i = 0; i < 20; i++) {
        if (!spool_append(s, (struct span){line, sizeof line}))
            return 2;
    }
    spool_release(s, 20000);
    if (spool_reserve(s, 20000))
        return 3;
    spool_close(&s);
    unlink(path);
    return spool_list(folder, &list) == 1 && list->size == 20000 ? 0 : 4;
}

static void a_full_disk_shows_when_room_is_set_aside(void **state)
{
    pid_t child = fork();
    int status;

    (void)state;
    if (child == 0) {
        bool mounted = small_disk();

        _exit(mounted ? fill_the_disk() : 77);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("# skip: no mount here; the file limit stands in for it\n");
        return; /* cmocka's skip() says `not ok` */
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(what_was_appended_is_read),
        WITH_FOLDER(only_whole_lines_are_taken),
        WITH_FOLDER(a_torn_line_stays_unread),
        WITH_FOLDER(junk_without_a_line_end_does_not_block),
        WITH_FOLDER(other_files_are_left_alone),
        WITH_FOLDER(segments_sort_by_their_making),
        WITH_FOLDER(a_full_segment_is_followed_by_the_next),
        WITH_FOLDER(what_is_mapped_has_another_name),
        WITH_FOLDER(a_file_limit_shows_when_room_is_set_aside),
        WITH_FOLDER(a_full_disk_shows_when_room_is_set_aside),
        MAPPED(what_was_appended_is_read),
        MAPPED(only_whole_lines_are_taken),
        MAPPED(a_full_segment_is_followed_by_the_next),
        MAPPED(what_is_mapped_has_another_name),
        MAPPED(a_file_limit_shows_when_room_is_set_aside),
        MAPPED(a_full_disk_shows_when_room_is_set_aside),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
