/* SPDX-License-Identifier: Apache-2.0
 *
 * folder - the folders that programs share, made where they are missing.
 */
#pragma once

#include "base/span.h"
#include "run/cage.h"

/* Whose a folder is. The master's: children of the group may add files there but not remove
 * the master's own. The user's: children do as they like. */
enum folder_of { FOLDER_OF_MASTER, FOLDER_OF_USER };

/* One that is there is left as it is. -1 with one line in `why`. */
MUST int folder_make(const char *path, enum folder_of of, const struct cage *cage, char *why,
                     size_t size);

/* Which files are in it, and which no more, is on the disk. False with errno. */
MUST bool folder_sync(const char *path);
