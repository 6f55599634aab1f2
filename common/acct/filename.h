/* SPDX-License-Identifier: Apache-2.0
 *
 * filename - what accounting files are called.
 *
 * Rows go to the file that the configuration names. Once finished it gets the day on which it
 * was begun (UTC) and a number before its extension, as PowerMTA does it: acct.csv becomes
 * acct-2007-09-05-0000.csv. Pure.
 */
#pragma once

#include "base/span.h"

/* The name that the file at `path` has when it is finished: in `folder`, or beside where that
 * is empty. `day` is in days since 1970. False: it does not fit. */
MUST bool filename_finished(const char *path, const char *folder, long day, unsigned number,
                            char *to, size_t size);

/* Is `name`, without folder, one that the file at `path` may get when it is finished? */
bool filename_is_finished(const char *path, struct span name);

/* How long the folder's part of a path is, without its last slash; "/x" has "/". */
struct span filename_folder(const char *path);
