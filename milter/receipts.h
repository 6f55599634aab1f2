/* SPDX-License-Identifier: Apache-2.0
 *
 * receipts - `received` records from threads into one segment of the spool.
 *
 * Room is set aside for each recipient before the message is taken. Nothing is synced
 * here: a thread that holds the lock does not wait for the disk to turn.
 */
#pragma once

#include "conf/settings.h"
#include "milter/message.h"

struct receipts;
struct receipts *receipts_open(const struct settings *s, char *why, size_t size);
void receipts_close(struct receipts **r);

/* Room for one recipient more. False: the disk is full. */
MUST bool receipts_reserve(struct receipts *r, struct message *m);

/* The message was taken under this queue id: its records; and its room is given back. False:
 * they could not be written. */
MUST bool receipts_write(struct receipts *r, struct session *s, const char *queue_id);
void receipts_release(struct receipts *r, struct message *m);
