/* SPDX-License-Identifier: Apache-2.0 */
#include "t/lib/books.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "t/lib/folder.h"
#include "tell/log.h"

char folder[64], spool_folder[128], csv[128], moved[160], why[256];
static char state_folder[128];
struct acct_file files[2];
struct settings settings;
struct ledger *ledger;

const char *const all_types[4] = {"d", "b", "t", "r"};
static const char *const columns[] = {"orig", "dsnDiag", "rcvTlsProtocol", "totalSecondsQueued"};
static const struct record_fields fields[] = {
    {.head = {.title = "d"}, .fields = {columns, 4}},
    {.head = {.title = "b"}, .fields = {columns, 4}},
    {.head = {.title = "t"}, .fields = {columns, 4}},
    {.head = {.title = "r"}, .fields = {columns, 4}},
};

int make_all(void **state)
{
    (void)state;
    log_open("test", LOG_TO_STDERR, LOG_FAULT);
    /* On a disk: a tmpfs refuses beyond a limit what a disk writes a part of. */
    snprintf(folder, sizeof folder, "/var/tmp/ledger.XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(spool_folder, sizeof spool_folder, "%s/spool", folder);
    snprintf(state_folder, sizeof state_folder, "%s/state", folder);
    snprintf(csv, sizeof csv, "%s/acct.csv", folder);
    files[0] = (struct acct_file){.head = {.title = csv, .file = "test.conf", .line = 1},
                                  .records = {all_types, 4},
                                  .user_string = "",
                                  .record_fields = fields,
                                  .record_fields_count = COUNT_OF(fields)};
    settings = (struct settings){.acct_files = files, .acct_file_count = 1};
    settings.global.spool_directory = spool_folder;
    settings.global.state_directory = state_folder;
    clock_hold(1000000);
    return mkdir(spool_folder, 0700) || mkdir(state_folder, 0700);
}

int remove_all(void **state)
{
    (void)state;
    ledger_close(&ledger);
    clock_hold(-1);
    return folder_remove(folder);
}

void open_ledger(void)
{
    ledger = ledger_open(&settings, why, sizeof why);
    if (!ledger)
        fail_msg("%s", why);
}

struct spool *open_spool(const char *kind)
{
    struct spool *s = spool_open(spool_folder, kind, why, sizeof why);

    if (!s)
        fail_msg("%s", why);
    return s;
}

struct record sample_record(enum record_do what, const char *type, const char *id)
{
    struct record r = {.what = what, .at = clock_now(), .key = span_of(id)};

    r.column[COLUMN_type] = span_of(type);
    r.column[COLUMN_orig] = span_of(id);
    return r;
}

void spool_record(struct spool *s, const struct record *r)
{
    struct buf line;

    buf_init(&line, RECORD_MAX);
    assert_true(record_write(&line, r));
    assert_true(spool_append(s, buf_peek(&line)));
    buf_clear(&line);
}

void spool_row(struct spool *s, enum record_do what, const char *type, const char *id)
{
    struct record r = sample_record(what, type, id);

    spool_record(s, &r);
}

static bool step(enum ledger_end *end)
{
    *end = ledger_step(ledger);
    return *end == LEDGER_BUSY || *end == LEDGER_MORE;
}

void step_to_the_end(void)
{
    enum ledger_end end;

    for (int i = 0; step(&end); i++)
        assert_true(i < 1000);
    assert_int_equal(end, LEDGER_IDLE);
}

void step_behind(void)
{
    enum ledger_end end;

    while (step(&end))
        ;
    assert_int_equal(end, LEDGER_BEHIND);
}

char *contents(const char *path)
{
    static char text[4 << 20];
    FILE *f = fopen(path, "r");
    size_t len = f ? fread(text, 1, sizeof text - 1, f) : 0;

    text[len] = '\0';
    if (f)
        fclose(f);
    return text;
}

size_t segments(void)
{
    struct spool_segment *list;
    size_t count = spool_list(spool_folder, &list);

    free(list);
    return count;
}

const char *in_folder(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

void add_row(struct spool *s, const char *id)
{
    spool_row(s, RECORD_ROW, "d", id);
    step_to_the_end();
}

void move_there(void)
{
    snprintf(moved, sizeof moved, "%s/old", folder);
    assert_int_equal(mkdir(moved, 0700), 0);
    files[0].move_to = moved;
}

const char *in_moved(const char *name)
{
    static char path[256];

    snprintf(path, sizeof path, "%s/%s", moved, name);
    return path;
}

static int open_marks(int flags)
{
    return open(in_folder("state/accounting/written"), flags);
}

void read_marks(struct marks *m)
{
    int fd = open_marks(O_RDONLY);

    m->len = (size_t)pread(fd, m->bytes, sizeof m->bytes, 0);
    assert_true(m->len > 0 && m->len <= sizeof m->bytes);
    close(fd);
}

void write_marks(const struct marks *m)
{
    int fd = open_marks(O_WRONLY);

    assert_int_equal(pwrite(fd, m->bytes, m->len, 0), m->len);
    close(fd);
}
