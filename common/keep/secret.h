/* SPDX-License-Identifier: Apache-2.0
 *
 * secret - a key that several of our programs share, in a file below state-directory: whoever
 * needs it first makes it. Its mode is 0640; the folder keeps others out.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

/* -1 with one line in `why`. */
MUST int secret_open(const char *folder, const char *name, uint64_t key[2], char *why, size_t size);
