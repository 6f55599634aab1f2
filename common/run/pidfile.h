/* SPDX-License-Identifier: Apache-2.0
 *
 * pidfile - one instance at a time, and where to find it.
 *
 * The lock on the file counts, not its being there: a file that a killed master left behind
 * is taken over.
 */
#pragma once

#include <limits.h>
#include <stddef.h>

#include "base/span.h"

struct pidfile {
    int fd; /* ours; -1: none */
    char path[PATH_MAX];
};

/* FOLDER/NAME.pid, locked and with our pid in it. -1 with one line in `why`: another
 * instance runs, or the file cannot be made. */
MUST int pidfile_take(struct pidfile *p, const char *folder, const char *name, char *why,
                      size_t size);

/* Removes it. */
void pidfile_drop(struct pidfile *p);

/* In a child: lets go of it, and leaves the file and the master's lock alone. */
void pidfile_forget(struct pidfile *p);
