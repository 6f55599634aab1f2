/* SPDX-License-Identifier: Apache-2.0
 *
 * memory - the facts process's store: what it knows, and would not know again after a restart.
 *
 * It is the only process that opens it, with two of them for as long as an old generation
 * drains: each write is one short transaction, the later one counts.
 */
#pragma once

#include "keep/store.h"

struct settings;

/* Its kinds. */
enum memory_kind {
    MEMORY_STS,  /* MTA-STS policies, by domain */
    MEMORY_SEEN, /* that a domain has shown TLS */
    MEMORY_SENT, /* outcomes that the mail server was not seen to hear */
};

/* After fork. NULL, with a line in the log: all goes on, and is forgotten at the end. */
struct store *memory_open(const struct settings *s);
