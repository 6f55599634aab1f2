/* SPDX-License-Identifier: Apache-2.0
 *
 * message - what load sends after DATA: a head, lines, the dot. However large it is, no more than
 * a few pieces of it are in memory: one of them goes out again and again.
 */
#pragma once

#include "base/span.h"

struct message {
    char *first, *last, *block; /* ours */
    size_t first_len, last_len, block_len;
    unsigned long blocks; /* how often the block goes out, between first and last */
    size_t len;           /* of all */
};

/* At least `bytes` long, the dot not counted. False: no memory. */
MUST bool message_init(struct message *m, size_t bytes);
void message_clear(struct message *m);

/* The pieces in their order; empty behind the last. */
struct span message_piece(const struct message *m, unsigned long i);
