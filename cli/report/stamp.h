/* SPDX-License-Identifier: Apache-2.0
 *
 * stamp - times as accounting files have them. Pure.
 */
#pragma once

#include <stdint.h>
#include <time.h>

#include "base/span.h"

enum { STAMP_DAY = 86400 };

/* "2019-02-08 21:54:05+0000", also with a 'T', a 'Z' or no zone (UTC), or seconds since 1970.
 * False: neither, or before 1970. */
MUST bool stamp_read(struct span text, time_t *out);

/* Days since 1970. False: there is no such date. */
MUST bool stamp_date(struct span text, int64_t *out);

/* "2019-02-08", and with time: "2019-02-08 21:54:05+0000". `to` comes back. */
enum { STAMP_TEXT = 40 };
const char *stamp_date_text(int64_t day, char to[STAMP_TEXT]);
const char *stamp_text(time_t at, char to[STAMP_TEXT]);
