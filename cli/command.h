/* SPDX-License-Identifier: Apache-2.0
 *
 * command - what can be said behind `sallyport`. A new one is a row in main.c.
 */
#pragma once

#include "base/span.h"
#include "run/args.h"

/* How each of them ends; wrong usage is EXIT_USAGE. */
enum { CLI_RIGHT, CLI_FINDINGS, CLI_CANNOT };

struct settings;

struct command {
    const char *name, *usage, *doc;
    int (*run)(int argc, char **argv); /* argv[0] is the name; the exit status comes back */
};

/* Takes `-c FILE` off: `*file` is that or the default, and how many words it and the name were
 * comes back. -1: something else begins with '-', and that was said. */
MUST int command_options(int argc, char **argv, const char **file);

/* Something is wrong with the words; EXIT_USAGE comes back. */
int command_wrong(const char *name, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* NULL: it is wrong, and that was said, a line for each mistake. */
struct settings *command_settings(const char *file);

int check_run(int argc, char **argv);
int forget_run(int argc, char **argv);
int show_run(int argc, char **argv);
int probe_run(int argc, char **argv);
int report_run(int argc, char **argv);
int tlsrpt_run(int argc, char **argv);
