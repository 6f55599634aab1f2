/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/books.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Killed between the journal and the files, before or after parts of them were written. */
static void a_batch_in_the_journal_is_written_again(void **state)
{
    struct spool *s = open_spool("delivered");

    (void)state;
    spool_row(s, RECORD_ROW, "d", "one");
    open_ledger();
    step_to_the_end();
    spool_row(s, RECORD_ROW, "d", "two");
    assert_int_equal(ledger_gather(ledger), LEDGER_BUSY);
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\n");
    ledger_close(&ledger); /* as a kill would */
    open_ledger();
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\nd,two,,,\r\n");

    spool_row(s, RECORD_ROW, "d", "three");
    assert_int_equal(ledger_gather(ledger), LEDGER_BUSY);
    ledger_close(&ledger);
    for (int i = 1; i <= 4; i++) { /* cut in the middle, at any byte of the row */
        FILE *f = fopen(csv, "a");

        assert_int_equal(fwrite(&"d,three,,,\r\n"[i - 1], 1, 1, f), 1);
        fclose(f);
    }
    open_ledger();
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\nd,two,,,\r\nd,three,,,\r\n");
    ledger_close(&ledger);
    open_ledger();
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\nd,two,,,\r\nd,three,,,\r\n");
    spool_close(&s);
}

/* A reader took the file and its rows, and then we were started again. */
static void a_row_that_was_taken_does_not_come_back(void **state)
{
    struct spool *s = open_spool("delivered");

    (void)state;
    spool_row(s, RECORD_ROW, "d", "one");
    open_ledger();
    step_to_the_end();
    ledger_close(&ledger);
    assert_int_equal(unlink(csv), 0);
    open_ledger();
    step_to_the_end();
    assert_string_equal(contents(csv), "");
    spool_close(&s);
}

static void a_file_that_was_moved_begins_anew(void **state)
{
    struct spool *s = open_spool("delivered");
    char old[160];

    (void)state;
    snprintf(old, sizeof old, "%s.1", csv);
    spool_row(s, RECORD_ROW, "d", "one");
    open_ledger();
    step_to_the_end();
    assert_int_equal(rename(csv, old), 0);
    spool_row(s, RECORD_ROW, "d", "two");
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,two,,,\r\n");
    assert_string_equal(contents(old), HEADER "d,one,,,\r\n");

    /* Between the journal and the files, and then a kill. */
    spool_row(s, RECORD_ROW, "d", "three");
    assert_int_equal(ledger_gather(ledger), LEDGER_BUSY);
    assert_int_equal(rename(csv, old), 0);
    ledger_close(&ledger);
    open_ledger();
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,three,,,\r\n");
    assert_string_equal(contents(old), HEADER "d,two,,,\r\n");

    /* Replaced by one that has bytes already, without a line's end. */
    spool_row(s, RECORD_ROW, "d", "four");
    assert_int_equal(ledger_gather(ledger), LEDGER_BUSY);
    assert_int_equal(rename(csv, old), 0);
    {
        FILE *f = fopen(csv, "w");

        fputs(HEADER "d,torn", f);
        fclose(f);
    }
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,torn\r\nd,four,,,\r\n");
    assert_string_equal(contents(old), HEADER "d,three,,,\r\n");
    spool_close(&s);
}

static void other_columns_put_the_file_aside(void **state)
{
    struct spool *s = open_spool("delivered");
    char old[160];

    (void)state;
    snprintf(old, sizeof old, "%s/acct-1970-01-12-0000.csv", folder);
    spool_row(s, RECORD_ROW, "d", "one");
    open_ledger();
    step_to_the_end();
    ledger_close(&ledger);
    files[0].records = (struct texts){all_types, 1};
    files[0].record_fields_count = 0;
    open_ledger();
    step_to_the_end();
    spool_row(s, RECORD_ROW, "d", "two");
    step_to_the_end();
    assert_string_equal(contents(old), HEADER "d,one,,,\r\n");
    assert_non_null(strstr(contents(csv), "type,timeLogged,timeQueued,orig,"));
    assert_non_null(strstr(contents(csv), "\r\nd,"));
    spool_close(&s);
}

static void each_file_has_its_types(void **state)
{
    struct spool *s = open_spool("delivered");
    char second[160];
    struct stat st;

    (void)state;
    snprintf(second, sizeof second, "%s/second.csv", folder);
    files[0].records = (struct texts){all_types, 1};
    files[1] = files[0];
    files[1].head.title = second;
    files[1].records = (struct texts){all_types + 1, 1};
    files[1].world_readable = true;
    settings.acct_file_count = 2;
    open_ledger();
    spool_row(s, RECORD_ROW, "d", "one");
    spool_row(s, RECORD_ROW, "b", "two");
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\n");
    assert_string_equal(contents(second), HEADER "b,two,,,\r\n");
    assert_int_equal(stat(second, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0644);
    spool_close(&s);
}

/* The file's limit stands for a full disk: a part of the rows is written, the rest when there
 * is room, or to the next file. */
static void a_full_disk_holds_rows_back(void **state)
{
    struct spool *s = open_spool("delivered");
    struct rlimit old, tight;
    char aside[160];

    (void)state;
    snprintf(aside, sizeof aside, "%s.1", csv);
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    open_ledger();
    spool_row(s, RECORD_ROW, "d", "one");
    spool_row(s, RECORD_ROW, "d", "two");
    assert_int_equal(ledger_gather(ledger), LEDGER_BUSY);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = (struct rlimit){.rlim_cur = sizeof HEADER - 1 + 14, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    assert_int_equal(ledger_step(ledger), LEDGER_BEHIND);
    assert_int_equal(ledger_step(ledger), LEDGER_BEHIND);
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\nd,tw");
    assert_int_equal(rename(csv, aside), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    spool_row(s, RECORD_ROW, "d", "three");
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,two,,,\r\nd,three,,,\r\n");
    spool_close(&s);
}

/* The first batch is in the file and leaves the store; the second is not, and stays there. */
static void what_is_not_written_is_not_dropped(void **state)
{
    struct spool *s = open_spool("delivered");
    struct rlimit old, tight;

    (void)state;
    sigaction(SIGXFSZ, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    open_ledger();
    spool_row(s, RECORD_ROW, "d", "one");
    assert_int_equal(ledger_gather(ledger), LEDGER_BUSY);
    spool_row(s, RECORD_ROW, "d", "two");
    assert_int_equal(ledger_gather(ledger), LEDGER_BUSY);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    tight = (struct rlimit){.rlim_cur = sizeof HEADER - 1 + 14, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    assert_true(ledger_write(ledger));
    assert_non_null(strstr(contents(csv), "d,one,,,\r\n"));
    assert_null(strstr(contents(csv), "d,two,,,\r\n"));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    spool_row(s, RECORD_ROW, "d", "three");
    assert_int_equal(ledger_gather(ledger), LEDGER_BUSY);
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\nd,two,,,\r\nd,three,,,\r\n");
    spool_close(&s);
}

static void one_that_is_stuck_holds_up_no_other(void **state)
{
    struct spool *s = open_spool("delivered");
    char second[160];

    (void)state;
    snprintf(second, sizeof second, "%s/second.csv", folder);
    files[1] = files[0];
    files[1].head.title = second;
    settings.acct_file_count = 2;
    assert_int_equal(mkdir(csv, 0700), 0);
    open_ledger();
    for (int i = 0; i < 3; i++) {
        spool_row(s, RECORD_ROW, "d", "one");
        step_behind();
    }
    assert_string_equal(contents(second), HEADER "d,one,,,\r\nd,one,,,\r\nd,one,,,\r\n");
    ledger_close(&ledger);
    open_ledger();
    step_behind();
    assert_int_equal(rmdir(csv), 0);
    spool_row(s, RECORD_ROW, "d", "two");
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\nd,one,,,\r\nd,one,,,\r\nd,two,,,\r\n");
    assert_string_equal(contents(second),
                        HEADER "d,one,,,\r\nd,one,,,\r\nd,one,,,\r\nd,two,,,\r\n");
    spool_close(&s);
}

static void an_absent_folder_holds_rows_back(void **state)
{
    struct spool *s = open_spool("delivered");
    char late[160], deep[192];

    (void)state;
    snprintf(late, sizeof late, "%s/late", folder);
    snprintf(deep, sizeof deep, "%s/acct.csv", late);
    files[0].head.title = deep;
    open_ledger();
    spool_row(s, RECORD_ROW, "d", "one");
    step_behind();
    spool_row(s, RECORD_ROW, "d", "two");
    step_behind();
    spool_close(&s);
    ledger_close(&ledger);
    open_ledger();
    step_behind();
    assert_int_equal(mkdir(late, 0700), 0);
    step_to_the_end();
    assert_string_equal(contents(deep), HEADER "d,one,,,\r\nd,two,,,\r\n");
    assert_int_equal(segments(), 0);
}

static void there_is_but_one(void **state)
{
    pid_t child;
    int status;

    (void)state;
    open_ledger();
    child = fork();
    if (child == 0) {
        struct ledger *second = ledger_open(&settings, why, sizeof why);

        _exit(second || !strstr(why, "another accountant"));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void account_for_ever(void)
{
    struct ledger *l = ledger_open(&settings, why, sizeof why);

    while (l) {
        if (ledger_step(l) == LEDGER_IDLE)
            usleep(200);
    }
    _exit(1);
}

/* SIGKILL at random moments, in a loop: each row is there once, in order. */
/* Who may read the file may lock it so that nobody writes. */
static void a_reader_locks_nobody_out(void **state)
{
    struct flock all = {.l_type = F_RDLCK, .l_whence = SEEK_SET};
    struct spool *s = open_spool("delivered");
    int fd;

    (void)state;
    spool_row(s, RECORD_ROW, "d", "one");
    open_ledger();
    step_to_the_end();
    ledger_close(&ledger);
    fd = open(csv, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fcntl(fd, F_OFD_SETLK, &all), 0);
    spool_row(s, RECORD_ROW, "d", "two");
    open_ledger();
    step_to_the_end();
    assert_string_equal(contents(csv), HEADER "d,one,,,\r\nd,two,,,\r\n");
    close(fd);
    spool_close(&s);
}

static void killed_at_any_moment(void **state)
{
    enum { KILLS = 60, ROWS = 20 };
    struct spool *s = open_spool("delivered");
    unsigned seed = (unsigned)getpid();
    int number = 0;
    char *at, id[16];

    (void)state;
    print_message("# seed %u\n", seed);
    for (int i = 0; i < KILLS; i++) {
        pid_t child = fork();

        if (child == 0)
            account_for_ever();
        for (int k = 0; k < ROWS; k++) {
            snprintf(id, sizeof id, "n%d", number++);
            spool_row(s, RECORD_INTENT, "d", id);
            spool_row(s, RECORD_OUTCOME, "d", id);
            usleep((unsigned)rand_r(&seed) % 600);
        }
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, NULL, 0), child);
    }
    spool_close(&s);
    open_ledger();
    step_to_the_end();
    at = contents(csv);
    assert_int_equal(strncmp(at, HEADER, strlen(HEADER)), 0);
    at += strlen(HEADER);
    for (int i = 0; i < number; i++) {
        char row[32];

        snprintf(row, sizeof row, "d,n%d,,,\r\n", i);
        assert_row(strncmp(at, row, strlen(row)) == 0, row);
        at += strlen(row);
    }
    assert_string_equal(at, "");
    assert_int_equal(segments(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ALL(a_batch_in_the_journal_is_written_again),
        WITH_ALL(a_row_that_was_taken_does_not_come_back),
        WITH_ALL(a_file_that_was_moved_begins_anew),
        WITH_ALL(other_columns_put_the_file_aside),
        WITH_ALL(each_file_has_its_types),
        WITH_ALL(a_full_disk_holds_rows_back),
        WITH_ALL(what_is_not_written_is_not_dropped),
        WITH_ALL(one_that_is_stuck_holds_up_no_other),
        WITH_ALL(an_absent_folder_holds_rows_back),
        WITH_ALL(there_is_but_one),
        WITH_ALL(a_reader_locks_nobody_out),
        WITH_ALL(killed_at_any_moment),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
