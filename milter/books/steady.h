/* SPDX-License-Identifier: Apache-2.0
 *
 * steady - can the clock be believed when files are to be removed by it?
 *
 * A clock that was set wrong makes all files old at once. So after a step of more than an hour,
 * and at a start more than a day after the accountant ran last (or when nothing is known of
 * that), it is not believed for a day: time for someone to see it and to set it right. Pure;
 * what it is told is seconds since 1970 and of a clock that never goes back.
 */
#pragma once

#include <stdbool.h>

struct steady {
    double now, mono; /* when it was looked at last */
    double doubt;     /* seconds for which it is not believed yet */
};

enum { STEADY_DOUBT = 86400, STEADY_STEP = 3600, STEADY_PAUSE = 86400 };

/* `last` and `doubt` are those of the last process; 0: there was none. */
void steady_start(struct steady *s, double last, double doubt, double now, double mono);

/* Time went on. True: it can be believed. */
bool steady_look(struct steady *s, double now, double mono);
