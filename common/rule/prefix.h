/* SPDX-License-Identifier: Apache-2.0
 *
 * prefix - from an address to the most specific network that holds it.
 *
 * A tree of four bits a step: finding costs the length of the prefix, not the number of
 * networks.
 */
#pragma once

#include "base/addr.h"

struct prefix_node;

struct prefixes {
    struct prefix_node *nodes; /* ours */
    uint32_t count, room;
};

/* One that is all zero is empty. */
void prefix_clear(struct prefixes *p);

/* The network's addresses have this value from now on, in place of the one before. Networks must
 * come from general to specific. False: no memory. */
MUST bool prefix_add(struct prefixes *p, const struct network *n, uint32_t value);

/* 0 where no network holds it. */
uint32_t prefix_find(const struct prefixes *p, const uint8_t ip[16]);
