/* SPDX-License-Identifier: Apache-2.0
 *
 * args - what a program was called with.
 */
#pragma once

#include <stdbool.h>

struct program;

struct args {
    const char *file; /* the configuration; borrowed from argv */
    bool only_check;
    bool background;
};

/* The exit statuses of sysexits.h that we use. */
enum { ARGS_GO_ON = -1, EXIT_USAGE = 64 };

/* ARGS_GO_ON, or the exit status: all was said (--help and the like), or it was wrong. */
int args_read(struct args *a, const struct program *program, int argc, char **argv);
