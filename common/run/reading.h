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

/* The settings of a reading before, shared: only the files that they name are read anew. */
MUST bool reading_again(struct reading *r, struct settings *settings, char *why, size_t size);

/* The folders that it names, where they are missing. */
MUST bool reading_folders(struct reading *r, char *why, size_t size);

/* What the program makes of it; `before` is the current generation's, or NULL. */
MUST bool reading_prepare(struct reading *r, const struct program *program, void *before,
                          bool only_check, char *why, size_t size);

void reading_clear(struct reading *r, const struct program *program);
