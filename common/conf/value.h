/* SPDX-License-Identifier: Apache-2.0
 *
 * value - from texts in the file to values in a struct, by the table of options.
 */
#pragma once

#include "base/option.h"
#include "conf/arena.h"

/* What the file says of one option: one text, or several of a list. */
struct said {
    const char *const *at;
    size_t count;
};

/* Puts it into its place in the struct `into`; `folder` is where relative paths count from. For
 * CERTS it adds one to what is there. False, and in `why` what is wrong and what would be right. */
MUST bool value_read(const struct option *o, struct said said, const char *folder,
                     struct arena *arena, void *into, char *why, size_t size);

/* option_defaults(), lists too. */
void value_defaults(const struct option *options, struct arena *arena, void *into);

/* The words of a WORD, with commas between. */
enum { VALUE_WORDS = 256 };
const char *value_words(const struct option *o, char to[VALUE_WORDS]);

/* May it be written in { }? */
bool value_is_list(const struct option *o);

/* The path, from `folder` if it is relative. */
const char *value_path(struct arena *arena, const char *folder, const char *path);

/* The folder that the file is in; "" for none. */
const char *value_folder(struct arena *arena, const char *path);

/* A regular file that can be read? Else why not, in `why`. */
MUST bool value_is_readable(const char *path, char *why, size_t size);
