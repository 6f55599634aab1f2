/* SPDX-License-Identifier: Apache-2.0
 *
 * reader - the program that reads the rows, while it runs.
 *
 * Started without a shell, in a process group of its own, with a small environment and no
 * descriptors but a pipe for its standard input and one for what it says, which comes into our
 * log: lines of up to READER_LINE bytes, READER_LINES a minute. It is killed when we die.
 */
#pragma once

#include <sys/types.h>

#include "acct/command.h"

enum { READER_LINE = 400, READER_LINES = 60 };

struct reader {
    const char *name; /* borrowed; the program's path */
    pid_t pid;        /* 0: none runs */
    int input;        /* its standard input, which does not block; -1: closed */
    int output;       /* what it says */
    int end;          /* readable once it has ended */
    double started;
    char line[READER_LINE];
    size_t len;
    double minute; /* that of the lines */
    unsigned lines;
};

/* False, and logged: no process. That the program cannot be run shows by its status 127. */
MUST bool reader_start(struct reader *r, const struct command *c);

/* How many bytes of its input it has not read yet. */
size_t reader_unread(const struct reader *r);

/* Logs what it said. */
void reader_hear(struct reader *r);

void reader_close_input(struct reader *r);

/* To it and all that it started. */
void reader_kill(const struct reader *r, int signal);

/* True: it ended, which is logged, as a fault unless it was `expected`; then `*well` says whether
 * it ended by itself with status 0. */
bool reader_ended(struct reader *r, bool expected, bool *well);
