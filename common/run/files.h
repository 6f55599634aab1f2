/* SPDX-License-Identifier: Apache-2.0
 *
 * files - have the files changed that a program read besides its configuration?
 *
 * They are looked at every two seconds, by name: so it makes no difference whether a file is
 * written anew, renamed over, or behind a symbolic link that points elsewhere, on whatever kind
 * of disk. A change counts when nothing has moved between two looks, or when that takes too long:
 * files are seldom replaced alone, and may be half written.
 */
#pragma once

#include "base/span.h"
#include "run/daemon.h"

struct file;

struct files {
    struct file *at; /* ours */
    size_t count;
    double look;  /* when to look next */
    double moved; /* when the first change was seen that has not been told yet; 0: none */
};

/* Notes how the program's files are now. Call before they are read. */
void files_note(struct files *f, const struct program *program, const struct settings *s);
void files_clear(struct files *f);

/* Looks, if it is time. The path of a file that has changed since it was noted, or since this was
 * last told; lent. NULL: nothing has, or not yet for good. */
const char *files_changed(struct files *f, double now);

/* When to ask again. */
double files_due(const struct files *f);

/* Not before then: a storm of changes is no storm of reloads. */
void files_rest(struct files *f, double now);
