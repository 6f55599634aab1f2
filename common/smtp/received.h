/* SPDX-License-Identifier: Apache-2.0
 *
 * received - the queue id that the topmost Received field names (RFC 5321, 4.4).
 *
 * Fed with the message as it comes, dot-stuffed; holds a few kilobytes at most and only
 * until the field was read or the header is over.
 *
 * The field's own MTA wrote it, but a client's words are in it (its EHLO name): so comments,
 * quoted strings and <addresses> are passed over, and the last `by` and `id`
 * count. Whoever trusts them compares `by` with the names of the own MTA.
 */
#pragma once

#include "base/buf.h"

struct received {
    enum { RECEIVED_LOOKS, RECEIVED_FOUND, RECEIVED_NONE } is;
    enum { LINE_BEGINS, LINE_IS_SKIPPED, LINE_IS_TAKEN } line;
    unsigned matched; /* bytes of the field's name that the line has so far */
    struct buf field; /* the field so far, without its name */
    char by[256];     /* host behind "by" */
    char id[64];      /* token behind "id" */
};

void received_init(struct received *r);
void received_clear(struct received *r);
void received_feed(struct received *r, struct span message);
