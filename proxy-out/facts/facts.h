/* SPDX-License-Identifier: Apache-2.0
 *
 * facts - the process that knows what can be found out about domains: one for all workers, so
 * one cache.
 *
 * The master makes the socket where workers ask (facts_listen()); this process inherits it and
 * accepts. It has no name in the file system, and only this program's own user may ask.
 */
#pragma once

#include <stddef.h>

struct child;
struct hints;

/* -1 with one line in `why`. */
int facts_listen(char *why, size_t size);

/* The child's life. `fd` is facts_listen()'s, `cas` what policies_cas() read; `hints`
 * notes_hint()'s. */
int facts_run(struct child *child, int fd, const char *cas, struct hints *hints);
