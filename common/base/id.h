/* SPDX-License-Identifier: Apache-2.0
 *
 * id - names of sessions.
 *
 * Unique on this machine across workers, generations and restarts: time of the
 * process's start, its pid, a counter. Short, letters and digits, sorts by time.
 */
#pragma once

enum { ID_TEXT = 24 };

struct id {
    char text[ID_TEXT]; /* with its NUL */
};

/* Not thread-safe; a process with threads numbers its own. */
struct id id_next(void);
