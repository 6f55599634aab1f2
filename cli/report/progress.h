/* SPDX-License-Identifier: Apache-2.0
 *
 * progress - how far a long run is, on one line of a terminal; elsewhere nothing.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "base/span.h"

struct progress {
    FILE *out;           /* NULL: nobody looks */
    uint64_t total;      /* bytes; 0: not known */
    double begun, shown; /* clock_mono() */
    bool any;            /* something stands on the line */
};

/* Whether anybody looks at `out` is asked of the system. */
void progress_begin(struct progress *p, FILE *out, uint64_t total);

/* So many bytes are done. To be called as often as one likes. */
void progress_show(struct progress *p, uint64_t bytes);

/* The line is empty again. */
void progress_end(struct progress *p);
