/* SPDX-License-Identifier: Apache-2.0
 *
 * reading - files, row by row, into a count.
 */
#pragma once

#include "cli/report/count.h"
#include "cli/report/files.h"
#include "cli/report/progress.h"

struct reading {
    struct count *count;       /* borrowed */
    struct report_file *files; /* ours: one for each that could be read */
    size_t file_count;
    char *bad_place; /* ours; NULL: there is none */
    char bad_why[120];
    bool incomplete; /* something could not be read, and that was said */
};

/* Goes through all of them and says to stderr what cannot be read. False: no memory. */
MUST bool reading_run(struct reading *r, const struct file_list *files);
void reading_clear(struct reading *r);
