/* SPDX-License-Identifier: Apache-2.0
 *
 * pen - a line of JSON on its way; flat.h reads it.
 *
 * What does not fit makes it full, and then the line is not to be used.
 */
#pragma once

#include "tell/record.h"

/* Where members begin with what is known beforehand: so long, whatever they need of it. */
enum { PEN_START = 32 };

struct pen {
    char line[RECORD_MAX];
    size_t len;
    bool full;
};

/* As it is. */
void pen_put(struct pen *p, struct span s);

/* A text, cut to `most` bytes, cleaned and escaped. `start` is all up to the value: ,"name":" */
void pen_member(struct pen *p, struct span start, struct span value, size_t most);

/* Likewise; of `start` the first `len` bytes count. */
void pen_column(struct pen *p, const char start[PEN_START], size_t len, struct span value,
                size_t most);

/* Seconds since 1970, with six digits behind the point; 0 where it cannot be. */
bool pen_can_time(double seconds);
void pen_time(struct pen *p, struct span start, double seconds);
