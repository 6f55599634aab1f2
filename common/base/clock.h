/* SPDX-License-Identifier: Apache-2.0
 *
 * clock - the time; tests may hold it.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Seconds since 1970. */
double clock_now(void);

/* Seconds on a clock that never goes back, for time limits. */
double clock_mono(void);

/* RFC 5322, 3.3, in UTC and no language but English: "Sun, 22 Nov 2026 14:00:00 +0000". `at` is
 * in seconds since 1970. `to` comes back. */
enum { CLOCK_DATE = 48 };
const char *clock_date(double at, char to[CLOCK_DATE]);

/* From here both clocks stand still at `seconds`; a negative number lets them run again. */
void clock_hold(double seconds);
