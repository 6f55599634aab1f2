/* SPDX-License-Identifier: Apache-2.0
 *
 * watch - a folder in which files are made and grow.
 */
#pragma once

/* A descriptor that is readable after a change; -1: it cannot be watched, which is logged. */
int watch_open(const char *folder);

/* Until the next change. Nothing for -1. */
void watch_clear(int fd);
