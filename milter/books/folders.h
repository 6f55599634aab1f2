/* SPDX-License-Identifier: Apache-2.0
 *
 * folders - are the folders of the files there? And will the store's be?
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/span.h"
#include "conf/settings.h"

/* Each acct-file has a folder, and each move-to is one on the same file system: a rename does not
 * reach another. False with one line in `why`. */
MUST bool folders_check(const struct settings *s, char *why, size_t size);

/* That the store's `folder` is there after a cut of the power, and the one `above`, where its name
 * stands. False with one line in `why`. */
MUST bool folders_sync(const char *folder, const char *above, char *why, size_t size);
