/* SPDX-License-Identifier: Apache-2.0
 *
 * posted - which reports about a day went where, so that none goes twice:
 * state-directory/tlsrpt/sent-2026-11-21, a line each. Who has it open is alone.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

struct posted;

/* `begin` of the day, in seconds since 1970. NULL with one line in `why`. */
struct posted *posted_open(const char *state_directory, int64_t begin, char *why, size_t size);
void posted_close(struct posted **s);

bool posted_has(const struct posted *s, const char *domain, const char *where);

/* It is on the disk then. False: errno. */
MUST bool posted_add(struct posted *s, const char *domain, const char *where);
