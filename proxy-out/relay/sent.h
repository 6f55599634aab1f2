/* SPDX-License-Identifier: Apache-2.0
 *
 * sent - an outcome (2xx) that the mail server may not have heard, or that is awaited though the
 * mail server is gone: what duplicate-memory keeps, and how it is written down. Pure.
 *
 * Key: the queue id, NUL, and the name of the transaction (session, number, lane). Value: size
 * and checksum of the message as the remote server got it, sender, reply, and recipients. One that
 * is awaited has a time instead, until when; its outcome comes under the same key.
 */
#pragma once

#include <stdint.h>

#include "base/buf.h"

enum { SENT_MAX = 16384, SENT_KEY = 160, SENT_REPLY = 512 };

/* One that was remembered, as the facts process gave it. */
struct sent {
    struct sent *next;
    char key[SENT_KEY];
    size_t key_len;
    uint64_t size;
    uint32_t crc;
    uint32_t awaited;           /* until when, seconds since 1970; 0: it is an outcome */
    const char *sender, *reply; /* NUL-terminated, in `texts` */
    struct span recipients;     /* a NUL behind each */
    char texts[];
};

/* Both begin a value; recipients follow with sent_add(). False: no room. */
MUST bool sent_begin(struct buf *to, uint64_t size, uint32_t crc, const char *sender,
                     struct span reply);
MUST bool sent_await(struct buf *to, uint32_t until, const char *sender);
MUST bool sent_add(struct buf *to, const char *recipient);

/* NULL: it is none, or no memory. */
struct sent *sent_read(struct span key, struct span value);
void sent_free(struct sent **all);

/* The one of `all` that this recipient is in, from this sender: an outcome, or else what is awaited
 * longest. NULL: none. */
const struct sent *sent_find(const struct sent *all, const char *sender, const char *recipient);
