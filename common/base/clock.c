/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <time.h>

static double held = -1;

static double read_clock(clockid_t which)
{
    struct timespec t;

    if (held >= 0)
        return held;
    clock_gettime(which, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double clock_now(void)
{
    return read_clock(CLOCK_REALTIME);
}

double clock_mono(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void clock_hold(double seconds)
{
    held = seconds;
}
