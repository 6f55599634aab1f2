/* SPDX-License-Identifier: Apache-2.0
 *
 * received - the queue id that the topmost Received field names (RFC 5321, 4.4).
 *
 * Fed with the message as it comes, dot-stuffed; holds a few kilobytes at most and only
 * until the field was read or the header is over.
 */
#pragma once

#include "base/buf.h"

struct received {
    enum { RECEIVED_LOOKS, RECEIVED_FOUND, RECEIVED_NONE } is;
    struct buf field; /* lines so far */
    char by[256];     /* host behind "by" */
    char id[64];      /* token behind "id" */
};

void received_init(struct received *r);
void received_clear(struct received *r);
void received_feed(struct received *r, struct span message);
