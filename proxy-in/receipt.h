/* SPDX-License-Identifier: Apache-2.0
 *
 * receipt - the `r` records of a message that the mail server accepted.
 */
#pragma once

#include "relay.h"
#include "tell/spool.h"

/* One record for each recipient of the envelope, from `relay` with RELAY_RECORD. False:
 * some could not be written, though room was made. */
MUST bool receipt_spool(struct spool *to, const struct relay *relay, double now);
