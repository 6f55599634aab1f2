/* SPDX-License-Identifier: Apache-2.0
 *
 * files - the accounting files that are meant.
 */
#pragma once

#include "base/span.h"

/* Types of rows as bits: 'q' is tq. */
#define FILE_TYPE(letter) (1u << ((letter) - 'a'))
#define FILE_ALL_TYPES (~0u)

struct file {
    char *path;     /* ours */
    unsigned types; /* that are taken from it */
};

struct file_list {
    struct file *at; /* ours */
    size_t count, room;
    unsigned types; /* of files that are added; 0: all */
};

void file_list_clear(struct file_list *l);

/* A file, "-" for standard input, or a folder: what in it has .csv or .json in its name, in the
 * order of names. False with one line in `why`. */
MUST bool file_list_add(struct file_list *l, const char *path, char *why, size_t size);

/* The file at `path` and its finished ones, beside it and in `folder` ("": there is none): for
 * /a/acct.csv whatever is called acct-DATE-NUMBER.csv, packed too. Those that are not there are
 * none. The one that is being written comes first: read at once it is not finished meanwhile.
 * False with one line in `why`. */
MUST bool file_list_add_account(struct file_list *l, const char *path, const char *folder,
                                char *why, size_t size);
