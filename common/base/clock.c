/* SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"

#include <stdio.h>
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

/* The C locale's names, whatever the user's is. */
const char *clock_date(double at, char to[CLOCK_DATE])
{
    static const char days[] = "SunMonTueWedThuFriSat";
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    time_t seconds = (time_t)at;
    struct tm tm = {.tm_mday = 1};

    (void)gmtime_r(&seconds, &tm);
    (void)snprintf(to, CLOCK_DATE, "%.3s, %d %.3s %04d %02d:%02d:%02d +0000", days + 3 * tm.tm_wday,
                   tm.tm_mday, months + 3 * tm.tm_mon, tm.tm_year + 1900, tm.tm_hour, tm.tm_min,
                   tm.tm_sec);
    return to;
}
