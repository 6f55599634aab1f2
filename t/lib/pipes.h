/* SPDX-License-Identifier: Apache-2.0
 *
 * pipes - the backlog of a program in a folder of its own, and what is logged, for tests.
 */
#pragma once

#include "t/lib/heard.h"
#include "t/unit/unit.h"

#include "milter/pipes/backlog.h"

#define PIPES_TITLE "|/usr/bin/some a b"
#define PIPES_HEADER "type,rcpt\r\n"

/* The accountant's folder, and that of the program's rows. */
extern char pipes_state[64];
extern struct backlog pipes_backlog;

/* Before and after each test. The backlog is one of CSV and holds 1000 bytes. */
int pipes_make(void **state);
int pipes_remove(void **state);
#define WITH_PIPES(test) cmocka_unit_test_setup_teardown(test, pipes_make, pipes_remove)

/* A file in the backlog's folder. */
void pipes_put(const char *name, const char *text);
bool pipes_has(const char *name);

/* A segment with a header and `count` rows of 10 bytes, "d,000007\r\n", numbered from `first`. */
void pipes_rows(const char *name, unsigned first, unsigned count);
