/* SPDX-License-Identifier: Apache-2.0
 *
 * receipt - the `r` records of a message that the mail server accepted.
 */
#pragma once

#include "relay.h"
#include "tell/spool.h"

/* Where a worker's records go, and what those of a session say alike: that is written once for each
 * session, and remembered of the last ones that had a message (160 KB in all). `to` is borrowed
 * and must live as long. NULL: no memory. */
struct receipts;
MUST struct receipts *receipts_new(struct spool *to);
void receipts_free(struct receipts **r);

/* One record for each recipient of the envelope, from `relay` with RELAY_RECORD. False:
 * some could not be written, though room was made. */
MUST bool receipt_spool(struct receipts *to, const struct relay *relay, double now);
