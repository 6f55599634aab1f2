/* SPDX-License-Identifier: Apache-2.0
 *
 * run - another program, without a shell, and what it says.
 */
#pragma once

#include <stddef.h>

#include "base/span.h"

/* What `argv` (ends with NULL; its first is the path) says on both of its outputs, cut to fit,
 * with a NUL; `*status` is its exit status, or -1 where it was ended by a signal or after
 * RUN_SECONDS. False: it could not be run. */
enum { RUN_SECONDS = 20 };
MUST bool run_program(const char *const *argv, char *out, size_t size, int *status);
