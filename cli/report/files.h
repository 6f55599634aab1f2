/* SPDX-License-Identifier: Apache-2.0
 *
 * files - the accounting files that are meant.
 */
#pragma once

#include "base/span.h"

struct file_list {
    char **at; /* ours */
    size_t count, room;
};

void file_list_clear(struct file_list *l);

/* A file, "-" for standard input, or a folder: what in it has .csv or .json in its name, in the
 * order of names. False with one line in `why`. */
MUST bool file_list_add(struct file_list *l, const char *path, char *why, size_t size);

/* The file at `path` and its finished ones, beside it or in `folder` ("": none is): for
 * /a/acct.csv whatever is called acct-DATE-NUMBER.csv, packed too. Those that are not there are
 * none. False: no memory. */
MUST bool file_list_add_account(struct file_list *l, const char *path, const char *folder);
