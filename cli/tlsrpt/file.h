/* SPDX-License-Identifier: Apache-2.0
 *
 * file - a report as a file: whole, or not at all.
 */
#pragma once

#include "base/span.h"

/* False with one line in `why`. */
MUST bool file_put(const char *folder, const char *name, struct span bytes, char *why, size_t size);
