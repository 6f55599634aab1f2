/* SPDX-License-Identifier: Apache-2.0
 *
 * finished - accounting files that get no more rows: their names, and when they are removed.
 */
#pragma once

#include "base/span.h"

/* A name for it that is free now, with the lowest number from `*number` on, which is updated.
 * In `folder`, or beside. False: there is none (errno). */
MUST bool finished_name(const char *path, const char *folder, long day, unsigned *number, char *to,
                        size_t size);

/* Never over another file. False: errno. */
MUST bool finished_rename(const char *from, const char *to);

/* Removes those beside `path` that were written last before `before` (seconds since 1970), but
 * what `is_spared` names. What is not called as we call them is left alone. */
typedef bool finished_spared_fn(const void *arg, const char *path);
void finished_remove(const char *path, double before, finished_spared_fn *is_spared,
                     const void *arg);
