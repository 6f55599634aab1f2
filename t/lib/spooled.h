/* SPDX-License-Identifier: Apache-2.0
 *
 * spooled - a spool in a folder of the test's, and what its readers see.
 */
#pragma once

#include <stdbool.h>

#include "base/buf.h"
#include "tell/spool.h"

extern char folder[64], why[256];
extern bool maps; /* lines are stored through memory */

/* cmocka's set-up: one whose lines are written, or, on a disk that surely writes in place, stored
 * through memory; and its tear-down. */
int make_folder(void **state);
int make_mapped_folder(void **state);
int remove_folder(void **state);

/* A test with the one or the other. */
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)
#define MAPPED(test)                                                    \
    {                                                                   \
        "mapped: " #test, test, make_mapped_folder, remove_folder, NULL \
    }

/* Fails the test if it cannot be opened. */
struct spool *opened(const char *kind);

/* The only segment, or the last, of as many as there should be. */
struct spool_segment last_segment(size_t should);

/* Whole lines from the beginning, of a segment by its name and of the last. */
bool read_named(const char *name, bool closed, struct buf *to);
bool read_last(size_t should, struct buf *to);
