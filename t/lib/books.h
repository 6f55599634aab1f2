/* SPDX-License-Identifier: Apache-2.0
 *
 * books - a spool, a store and an accounting file in a folder of their own, for tests.
 */
#pragma once

#include "t/unit/unit.h"

#include "milter/books/ledger.h"
#include "tell/record.h"
#include "tell/spool.h"

extern char folder[64], spool_folder[128], csv[128], moved[160], why[256];
extern struct acct_file files[2];
extern struct settings settings;
extern struct ledger *ledger;
extern const char *const all_types[4];

/* The files' columns, for all types. */
#define HEADER "type,orig,dsnDiag,rcvTlsProtocol,totalSecondsQueued\r\n"

/* Before and after each test. The clock stands still at 1000000. */
int make_all(void **state);
int remove_all(void **state);
#define WITH_ALL(test) cmocka_unit_test_setup_teardown(test, make_all, remove_all)

void open_ledger(void);
struct spool *open_spool(const char *kind);

/* `id` is the key, and the sender too, so that rows can be told apart. */
struct record sample_record(enum record_do what, const char *type, const char *id);
void spool_record(struct spool *s, const struct record *r);
void spool_row(struct spool *s, enum record_do what, const char *type, const char *id);

/* Steps until nothing is left to do. */
void step_to_the_end(void);

/* Until all is in the store, and a file cannot be written. */
void step_behind(void);

/* Of a file, "" if it is not there; good until the next call. */
char *contents(const char *path);

/* How many there are in the spool. */
size_t segments(void);

/* The path of something in the test's folder; good until the next call. */
const char *in_folder(const char *name);

/* A row that is in its file when it returns. */
void add_row(struct spool *s, const char *id);

/* Gives the first file a move-to, which is `moved`; the path of something there, as in_folder(). */
void move_there(void);
const char *in_moved(const char *name);

/* What the journal has marked as written. Put back, it is as if the accountant had been killed
 * between the write and its mark; only for one batch. */
struct marks {
    char bytes[4096];
    size_t len;
};
void read_marks(struct marks *m);
void write_marks(const struct marks *m);
