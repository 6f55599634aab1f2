/* SPDX-License-Identifier: Apache-2.0
 *
 * conf - the door to libconfuse: one section of a file into a struct of options.
 *
 * It knows tables, no option. A section comes statement by statement (reader.h); here it is put
 * into libconfuse's language with everything quoted, on the lines where it stands in the file,
 * and libconfuse gives us the options one by one.
 *
 * libconfuse's lexer is one for the process: not for threads.
 */
#pragma once

#include "base/option.h"
#include "conf/arena.h"
#include "conf/reader.h"

/* A section on its way to libconfuse. */
struct conf {
    char *bytes; /* NULL: none is open */
    size_t len, room;
    uint64_t used; /* the rows of the options that it has */
    unsigned first_line, last_line;
};

/* Where it goes. */
struct conf_into {
    const struct option *options;
    struct option_head *head; /* of the struct */
    unsigned *lines;          /* for each option, where it was set */
    const char *folder;       /* that relative paths count from */
    struct arena *arena;
};

void conf_start(struct conf *c, unsigned line);
void conf_add(struct conf *c, const struct statement *st, size_t row); /* of its option */

/* The section is whole. False: the first mistake in it, "NAME: what; remedy", and its line. */
MUST bool conf_end(struct conf *c, const struct conf_into *into, char *why, size_t size,
                   unsigned *line);

/* It is not wanted any more; does nothing where none is open. */
void conf_drop(struct conf *c);

/* As the file has it, "smtp-max-out" of smtp_max_out; in at most OPTION_NAME bytes. */
enum { OPTION_NAME = 64 };
const char *conf_name(const struct option *o, char to[OPTION_NAME]);

/* NULL: there is none of this name. */
const struct option *conf_find(const struct option *options, const char *name);
