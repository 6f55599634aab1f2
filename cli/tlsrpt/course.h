/* SPDX-License-Identifier: Apache-2.0
 *
 * course - sallyport tlsrpt: its words, and one run of it.
 */
#pragma once

#include "cli/report/files.h"
#include "conf/settings.h"

struct course_plan {
    const char *conf;   /* -c; NULL: the default */
    int64_t begin;      /* of the day, in seconds since 1970 */
    const char *domain; /* only this one; NULL: all */
    const char *output; /* a folder for files; NULL: none */
    bool send;
    struct file_list files; /* none: those that tls-reports keeps */
};

/* The words behind "tlsrpt". False with one line in `why`. */
MUST bool course_words(struct course_plan *p, int argc, char **argv, char *why, size_t size);
void course_plan_clear(struct course_plan *p);

enum course_end {
    COURSE_WELL,
    COURSE_PART,  /* something was left out or is yet to be sent, and that was said */
    COURSE_CANNOT /* nothing was made, and why was said */
};

/* Says a line for each domain on standard output. */
enum course_end course_run(struct course_plan *p, const struct settings *s);
