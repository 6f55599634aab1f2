/* SPDX-License-Identifier: Apache-2.0
 *
 * moves - can finished files be moved to where the configuration says?
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "conf/settings.h"

/* Each move-to is a folder that is there, on the file system of its acct-file: a rename does not
 * reach another. Where the acct-file's own folder is not there yet, nobody can tell. False with one
 * line in `why`. */
MUST bool moves_check(const struct settings *s, char *why, size_t size);
