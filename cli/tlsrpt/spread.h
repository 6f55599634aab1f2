/* SPDX-License-Identifier: Apache-2.0
 *
 * spread - the sessions of a day, on disk, in parts that are each small enough to be counted in
 * memory. All of a domain are in one part.
 *
 * The parts are files without names, in TMPDIR or /var/tmp.
 */
#pragma once

#include "cli/tlsrpt/session.h"

enum { SPREAD_PARTS = 64 };

struct spread;

/* NULL with one line in `why`. */
struct spread *spread_new(char *why, size_t size);
void spread_free(struct spread **s);

/* False: errno. */
MUST bool spread_add(struct spread *s, const struct session *one);

/* Calls for each session of a part in the order in which they came; false: it cannot be read, or
 * `fn` said false, which ends it. What it gets is borrowed for the call. */
typedef bool spread_fn(void *arg, const struct session *one);
MUST bool spread_each(struct spread *s, unsigned part, spread_fn *fn, void *arg);
