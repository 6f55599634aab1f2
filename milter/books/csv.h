/* SPDX-License-Identifier: Apache-2.0
 *
 * csv - one accounting file on the disk.
 *
 * It stays open and locked while rows go to it, so two accountants (of two configurations that
 * name the same file) never write into each other's rows: the second waits. The lock is one of
 * fcntl(2) on a byte that no file has, so readers do not meet it. Only plain files are
 * written; a symbolic link would be moved in its file's place.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "base/span.h"

struct csv {
    int fd; /* -1: none */
    uint64_t device, inode, size;
};

void csv_init(struct csv *c);
void csv_clear(struct csv *c);

/* The file that has this name now, made if it is not there. False with the reason. */
MUST bool csv_find(struct csv *c, const char *path, mode_t mode, const char **why);

/* The file of these numbers under any name in a folder. False: it is not there. */
MUST bool csv_find_moved(struct csv *c, struct span folder, uint64_t device, uint64_t inode);

/* Without a header it is to be a file of JSON lines. */
bool csv_has_header(const struct csv *c, struct span header);
bool csv_ends_in_a_line(const struct csv *c);

/* What is written is in two parts, such as a header and rows. */
struct csv_text {
    struct span part[2];
};

/* How much of the text is there already. `*other`: something else is, or the file is shorter
 * than that. */
size_t csv_same(const struct csv *c, uint64_t offset, const struct csv_text *text, bool *other);

/* The text from its byte `from` on. Room is taken first, so that a full disk leaves no half a
 * row. False: errno. */
MUST bool csv_write(const struct csv *c, uint64_t offset, const struct csv_text *text, size_t from);

/* Its rows: lines but the first. */
size_t csv_count(const struct csv *c, bool has_header);
