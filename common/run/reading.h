/* SPDX-License-Identifier: Apache-2.0
 *
 * reading - what one reading of the configuration makes: all of it, or nothing.
 */
#pragma once

#include "base/span.h"
#include "run/args.h"
#include "run/cage.h"
#include "run/daemon.h"
#include "run/files.h"

struct settings;

struct reading {
    struct settings *settings; /* ours, until a generation takes them */
    void *prepared;            /* ours, by the program's discard(), likewise */
    struct files files;        /* that it is about to read; ours until taken */
    struct cage cage;
};

/* The file, and the user that it names. False with a line for each mistake in `why`. */
MUST bool reading_settings(struct reading *r, const struct args *a, char *why, size_t size);

/* The folders that it names, where they are missing. */
MUST bool reading_folders(struct reading *r, char *why, size_t size);

/* What the program makes of it; `before` is the current generation's, or NULL. */
MUST bool reading_prepare(struct reading *r, const struct program *program, void *before,
                          bool only_check, char *why, size_t size);

/* All of that once more, beside a generation that serves: gently. */
struct anew {
    const struct args *args;   /* NULL: not the configuration, only the files that it names */
    struct settings *settings; /* which then are shared */
    void *before;              /* what is prepared now */
    const char *run_directory; /* which must not change */
};
MUST bool reading_anew(struct reading *r, const struct program *program, const struct anew *anew,
                       char *why, size_t size);

void reading_clear(struct reading *r, const struct program *program);
