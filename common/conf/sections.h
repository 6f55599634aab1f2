/* SPDX-License-Identifier: Apache-2.0
 *
 * sections - a file, and what it includes, as a list of sections.
 *
 * All of it is read, whatever is wrong: each section with a mistake is one line of problems (its
 * first). Only where a } or a closing quote is missing does reading end.
 */
#pragma once

#include "base/option.h"
#include "conf/arena.h"
#include "conf/problem.h"

/* A kind of section. The first of a table is the file's own options, with the name "". */
struct kind {
    const char *name;
    const char *title;   /* what stands behind the name, for people: "ADDRESS:PORT" */
    const char *example; /* a title that would do */
    const char *inside;  /* the name of the kind in which it stands; NULL: outside of all */
    const struct option *options;
    size_t size; /* of its struct, which begins with OPTION_HEAD */
    const char *doc;
    /* Not NULL: it has one option, a list, and is written on one line, NAME TITLE WORDS; these
     * are the words, for people, and some that would do. */
    const char *words, *words_example;
};

struct section {
    const struct kind *kind;
    struct section *inside;   /* NULL: it stands outside of all */
    struct section *next;     /* in the order of the file */
    struct option_head *head; /* of the struct of its kind; defaults are filled in */
    unsigned *lines;          /* for each option, where it was set; 0: it was not */
    bool bad;                 /* there is a line of problems on it */
    bool hurt;                /* the file's own options: some could not be read */
};

/* Reads the file. The first section of the list is the file's own options, even if there are
 * none. `kinds` ends with a NULL name. All memory is the arena's. */
struct section *sections_read(const char *path, const struct kind *kinds, struct arena *arena,
                              struct problems *problems);

/* The same of a text, as if it were the file `path`. */
struct section *sections_read_text(struct span text, const char *path, const struct kind *kinds,
                                   struct arena *arena, struct problems *problems);

/* Notes one more mistake of a section that has none yet, with the line of the option `name`, if
 * it was set there, else of the section. */
void section_wrong(struct section *s, struct problems *problems, const char *name, const char *fmt,
                   ...) __attribute__((format(printf, 4, 5)));
