/* SPDX-License-Identifier: Apache-2.0
 *
 * rate - so many of something within so long.
 */
#pragma once

#include "base/span.h"

enum { RATE_COUNT_MOST = 4000, RATE_SECONDS_MOST = 366 * 86400 };

struct rate {
    unsigned count; /* 0: no limit */
    unsigned seconds;
};

/* PowerMTA's form: "10/h", "3/5m", with d h m s or day hr min sec; "unlimited". */
MUST bool rate_read(struct span text, struct rate *out);
