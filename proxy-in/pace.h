/* SPDX-License-Identifier: Apache-2.0
 *
 * pace - how long a message may still be waited for.
 *
 * smtp-data-timeout is a store of seconds. It is full when a message begins, waiting for the
 * client uses it up, and every PACE_LEAST bytes bring a second back, up to what it holds. So a
 * client may stall for that long, but one that drips for ever, however cleverly, comes to its
 * end. Time in which the mail server is slow does not count; that between two chunks (BDAT) does.
 */
#pragma once

#include <stdint.h>

enum { PACE_LEAST = 256 }; /* bytes a second */

struct pace {
    double left; /* seconds */
    uint64_t heard;
};

/* A message may begin. `heard`: all bytes of the client so far. */
void pace_begin(struct pace *p, double limit, uint64_t heard);

/* We have waited for it for so long. */
void pace_go(struct pace *p, double limit, double seconds, uint64_t heard);
