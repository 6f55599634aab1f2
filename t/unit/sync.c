/* SPDX-License-Identifier: Apache-2.0
 *
 * What is synced, and by whom: the strictest of several, each segment as it begins, and the
 * syncer with a worker's line to it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <setjmp.h>

#include <cmocka.h>

#include "conf/settings.h"
#include "net/watch.h"
#include "sync/commit.h"
#include "sync/order.h"
#include "t/lib/folder.h"
#include "tell/spool.h"

static char folder[64], why[256];

static int make_folder(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/sallyport-sync-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int drop_folder(void **state)
{
    (void)state;
    return folder_remove(folder);
}

static void the_strictest_counts_for_all(void **state)
{
    static const struct {
        enum acct_sync each[3];
        size_t count;
        enum acct_sync is;
    } cases[] = {
        {{ACCT_SYNC_NONE}, 0, ACCT_SYNC_NONE},
        {{ACCT_SYNC_NONE}, 1, ACCT_SYNC_NONE},
        {{ACCT_SYNC_INTERVAL}, 1, ACCT_SYNC_INTERVAL},
        {{ACCT_SYNC_REPLY, ACCT_SYNC_INTERVAL}, 2, ACCT_SYNC_REPLY},
        {{ACCT_SYNC_NONE, ACCT_SYNC_INTERVAL, ACCT_SYNC_NONE}, 3, ACCT_SYNC_INTERVAL},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct acct_file files[3] = {{.sync = 0}};
        struct settings s = {.acct_files = files, .acct_file_count = cases[i].count};

        for (size_t f = 0; f < 3; f++)
            files[f].sync = cases[i].each[f];
        assert_int_equal(settings_sync(&s), cases[i].is);
    }
}

struct heard {
    int count, segment;
};

static void hear(void *arg, int segment, int in)
{
    struct heard *h = arg;

    assert_true(segment >= 0 && in >= 0 && segment != in);
    h->count++;
    h->segment = segment;
}

/* Before anything is written to it, or a sync could miss that. */
static void each_segment_is_told_of_once(void **state)
{
    static char line[1 << 20];
    struct spool *s = spool_open(folder, "delivered", why, sizeof why);
    struct heard h = {.count = 0};
    struct spool_segment *list;

    (void)state;
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\n';
    spool_watch(s, hear, &h);
    assert_int_equal(h.count, 1);
    for (int i = 0; i < 9; i++)
        assert_true(spool_append(s, (struct span){line, sizeof line}));
    assert_int_equal(h.count, 2);
    spool_abandon(s);
    spool_abandon(s);
    assert_int_equal(h.count, 2);
    assert_true(spool_append(s, SPAN("one\n")));
    assert_int_equal(h.count, 3);
    assert_int_equal(lseek(h.segment, 0, SEEK_END), 4);
    assert_int_equal(spool_list(folder, &list), 3);
    free(list);
    spool_watch(s, NULL, NULL);
    spool_abandon(s);
    assert_true(spool_reserve(s, 100));
    assert_int_equal(h.count, 3);
    spool_close(&s);
}

/* A worker's line, and the test in the syncer's place. */
struct stage {
    struct event_base *base;
    int listener, line;
    struct spool *spool;
    struct commit *commit;
    struct pledge pledge[4];
    int kept, lost;
};

static void count(void *arg, bool kept)
{
    struct stage *s = arg;

    s->kept += kept;
    s->lost += !kept;
}

static void turn(struct stage *s)
{
    for (int i = 0; i < 4; i++)
        event_base_loop(s->base, EVLOOP_NONBLOCK);
}

static void answer_call(struct stage *s)
{
    while ((s->line = accept(s->listener, NULL, NULL)) < 0)
        event_base_loop(s->base, EVLOOP_ONCE);
}

static void open_stage_for(struct stage *s, double patience)
{
    *s = (struct stage){.base = loop_new()};
    s->listener = commit_listen(why, sizeof why);
    s->spool = spool_open(folder, "delivered", why, sizeof why);
    s->commit = commit_new(s->base, s->listener, s->spool, patience);
    assert_true(s->listener >= 0 && s->spool && s->commit);
    answer_call(s);
}

static void open_stage(struct stage *s)
{
    open_stage_for(s, COMMIT_PATIENCE);
}

static void close_stage(struct stage *s)
{
    for (size_t i = 0; i < COUNT_OF(s->pledge); i++)
        commit_cancel(&s->pledge[i]);
    commit_free(&s->commit);
    spool_close(&s->spool);
    close(s->listener);
    close(s->line);
    event_base_free(s->base);
}

/* The number of the next order; 0: a segment. -1: there is none. */
static long hear_order(struct stage *s)
{
    struct sync_order order;

    turn(s);
    return recv(s->line, &order, sizeof order, MSG_DONTWAIT) == sizeof order ? (long)order.number
                                                                             : -1;
}

static void say_done(struct stage *s, long number, int error)
{
    struct sync_done done = {.number = (uint64_t)number, .error = error};

    assert_int_equal(send(s->line, &done, sizeof done, MSG_NOSIGNAL), sizeof done);
    turn(s);
}

static void ask(struct stage *s, int i)
{
    commit_ask(s->commit, &s->pledge[i], count, s);
}

static void who_comes_meanwhile_shares_the_next(void **state)
{
    struct stage s;
    long first, second;

    (void)state;
    open_stage(&s);
    assert_int_equal(hear_order(&s), 0);
    ask(&s, 0);
    ask(&s, 1);
    first = hear_order(&s);
    assert_true(first > 0);
    assert_int_equal(hear_order(&s), -1);
    ask(&s, 2);
    ask(&s, 3);
    assert_int_equal(hear_order(&s), -1);
    assert_int_equal(s.kept, 0);
    commit_cancel(&s.pledge[1]);
    say_done(&s, first, 0);
    assert_int_equal(s.kept, 1);
    assert_true(!pledge_waits(&s.pledge[0]) && pledge_waits(&s.pledge[2]));
    second = hear_order(&s);
    assert_int_equal(second, first + 1);
    say_done(&s, second, 0);
    assert_int_equal(s.kept, 3);
    assert_int_equal(s.lost, 0);
    close_stage(&s);
}

static void who_asks_again_waits_anew(void **state)
{
    struct stage s;

    (void)state;
    open_stage(&s);
    assert_int_equal(hear_order(&s), 0);
    ask(&s, 0);
    ask(&s, 1);
    assert_int_equal(hear_order(&s), 1);
    ask(&s, 0);
    say_done(&s, 1, 0);
    assert_int_equal(s.kept, 1);
    assert_true(pledge_waits(&s.pledge[0]));
    assert_int_equal(hear_order(&s), 2);
    say_done(&s, 2, 0);
    assert_int_equal(s.kept, 2);
    close_stage(&s);
}

/* Also who came behind: their records may stand on the page that failed. */
static void a_failure_is_for_all_that_wait(void **state)
{
    struct stage s;

    (void)state;
    open_stage(&s);
    assert_int_equal(hear_order(&s), 0);
    ask(&s, 0);
    assert_int_equal(hear_order(&s), 1);
    ask(&s, 1);
    say_done(&s, 1, 5);
    assert_int_equal(s.lost, 2);
    assert_int_equal(hear_order(&s), -1);
    assert_true(spool_append(s.spool, SPAN("one\n")));
    ask(&s, 2);
    assert_int_equal(hear_order(&s), 0); /* another segment */
    assert_int_equal(hear_order(&s), 2);
    say_done(&s, 2, 0);
    assert_int_equal(s.kept, 1);
    close_stage(&s);
}

/* One that is gone may have heard of a failure. */
static void who_goes_has_not_synced(void **state)
{
    static const char *const ways[] = {"closes", "says nonsense", "answers what was not asked"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        struct stage s;

        print_message("# %s\n", ways[i]);
        open_stage(&s);
        assert_int_equal(hear_order(&s), 0);
        ask(&s, 0);
        assert_int_equal(hear_order(&s), 1);
        if (i == 1)
            assert_int_equal(send(s.line, "x", 1, 0), 1);
        if (i == 2)
            say_done(&s, 7, 0);
        close(s.line);
        turn(&s);
        assert_int_equal(s.lost, 1);
        assert_int_equal(s.kept, 0);
        assert_true(spool_append(s.spool, SPAN("one\n")));
        ask(&s, 1);
        answer_call(&s); /* it calls again, and tells of a segment first */
        assert_int_equal(hear_order(&s), 0);
        close_stage(&s);
    }
}

/* And what the disk says later is nothing to who was told no. */
static void nobody_waits_for_ever(void **state)
{
    struct stage s;

    (void)state;
    open_stage_for(&s, 0.5);
    assert_int_equal(hear_order(&s), 0);
    ask(&s, 0);
    assert_int_equal(hear_order(&s), 1);
    while (s.lost == 0)
        event_base_loop(s.base, EVLOOP_ONCE);
    assert_int_equal(s.kept, 0);
    ask(&s, 1);
    say_done(&s, 1, 0);
    assert_int_equal(s.kept, 0);
    assert_int_equal(hear_order(&s), 2);
    say_done(&s, 2, 0);
    assert_int_equal(s.kept, 1);
    assert_int_equal(s.lost, 1);
    close_stage(&s);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, drop_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_strictest_counts_for_all),
        WITH_FOLDER(each_segment_is_told_of_once),
        WITH_FOLDER(who_comes_meanwhile_shares_the_next),
        WITH_FOLDER(who_asks_again_waits_anew),
        WITH_FOLDER(a_failure_is_for_all_that_wait),
        WITH_FOLDER(nobody_waits_for_ever),
        WITH_FOLDER(who_goes_has_not_synced),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
