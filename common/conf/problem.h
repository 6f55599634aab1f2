/* SPDX-License-Identifier: Apache-2.0
 *
 * problem - what is wrong in a configuration, a line each: FILE:LINE: NAME: WHAT; REMEDY.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct problems {
    char *why; /* the caller's; always whole lines, without the last line end */
    size_t size, used;
    unsigned count; /* also those that did not fit */
};

void problem_start(struct problems *p, char *why, size_t size);

/* Without `line` (0) only the file is named, without `name` (NULL) only the place. */
void problem_add(struct problems *p, const char *file, unsigned line, const char *name,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* A whole line that someone else wrote. */
void problem_add_line(struct problems *p, const char *line);

/* Is `candidate` a likelier meaning of `word` than what is `best` so far? Then it becomes it.
 * Begin with NULL; it stays NULL where nothing is near. */
void name_suggest(const char *word, const char *candidate, const char **best);
