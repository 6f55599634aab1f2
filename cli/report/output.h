/* SPDX-License-Identifier: Apache-2.0
 *
 * output - a file that is there whole, or as it was.
 */
#pragma once

#include "base/span.h"

/* Something else is there: a terminal, a pipe or the like. */
bool output_is_no_file(const char *path);

/* Only a file is replaced; what is no file is written to. False with one
 * line in `why`, which names the file. */
MUST bool output_put(const char *path, struct span bytes, char *why, size_t size);
