/* SPDX-License-Identifier: Apache-2.0
 *
 * times - how long things took, for percentiles.
 */
#pragma once

#include "base/span.h"

struct times {
    float *ms; /* ours */
    size_t count, most;
};

MUST bool times_init(struct times *t, size_t most);

/* From `since` (clock_mono()) until now. */
void times_note(struct times *t, double since);

/* NAME_p50_ms and so on, as key=value lines; nothing if nothing was noted. Sorts them. */
void times_print(struct times *t, const char *name);
