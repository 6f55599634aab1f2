/* SPDX-License-Identifier: Apache-2.0
 *
 * watch - a folder in which files are made and grow.
 */
#pragma once

/* A descriptor that is readable after a change; -1: it cannot be watched, which is logged. */
int watch_open(const char *folder);

/* What changes from now on makes it readable again; clear it before looking. Until then changes
 * cost those who make them nothing. Nothing for -1. */
void watch_clear(int fd, const char *folder);
