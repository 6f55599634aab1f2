/* SPDX-License-Identifier: Apache-2.0
 *
 * command - sallyport report: its words, and one run of it.
 */
#pragma once

#include <stdio.h>

#include "cli/report/files.h"
#include "cli/report/wish.h"

struct report_plan {
    struct wish wish;
    struct file_list files;
    const char *conf; /* -c; NULL: the default */
    const char *html; /* NULL: none */
    bool json;
};

/* The words after "report". False with one line in `why`. */
MUST bool report_words(struct report_plan *p, int argc, char **argv, char *why, size_t size);
void report_plan_clear(struct report_plan *p);

struct settings;

/* The files of the configuration: each type of rows from one section, rather from one without
 * queue-filter. False with one line in `why`. */
MUST bool report_default_files(struct report_plan *p, const struct settings *s, char *why,
                               size_t size);

enum report_end {
    REPORT_WELL,
    REPORT_PART,  /* rows were left out, or files could not be read to their end */
    REPORT_CANNOT /* there is no report, and why was said */
};
enum report_end report_make(const struct report_plan *p);
