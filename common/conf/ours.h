/* SPDX-License-Identifier: Apache-2.0
 *
 * ours - the accounting file that tls-reports keeps for `sallyport tlsrpt`, as if a section named
 * it: nobody has to know which columns that needs.
 *
 * state-directory/tlsrpt/sessions.csv: connections to servers and what became of their TLS. No
 * address of a sender or a recipient is in it. A day a file, kept for eight.
 */
#pragma once

#include "conf/arena.h"
#include "conf/settings.h"

#define OURS_FOLDER "tlsrpt"
#define OURS_FILE "sessions.csv"

/* `files` with it behind them, and `*count` one more. */
const struct acct_file *ours_add(struct arena *arena, const struct global *g,
                                 const struct acct_file *files, size_t *count);
