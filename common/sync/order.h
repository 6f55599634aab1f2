/* SPDX-License-Identifier: Apache-2.0
 *
 * order - what a worker and the syncer say to each other, a packet each.
 *
 * An order with descriptors (of a new segment, and of the folder it stands in) brings the
 * segment that is written to from now on; the one before is synced, and so is the folder. One
 * without asks for all that was written to it before, and is answered.
 */
#pragma once

#include <stdint.h>

struct sync_order {
    uint64_t number; /* 0: a new segment */
};

struct sync_done {
    uint64_t number;
    int32_t error; /* errno; 0: it is on the disk */
};
