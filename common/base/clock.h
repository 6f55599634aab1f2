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

/* From here both clocks stand still at `seconds`; a negative number lets them run again. */
void clock_hold(double seconds);
