/* SPDX-License-Identifier: Apache-2.0
 *
 * gates - where clients come in: all listeners of a worker.
 *
 * Accepts while there are descriptors and free slots. Where none is free, a client is greeted
 * with 421 and closed, or, with await-slot, is left in the listening socket's queue: then the
 * gate closes until there is one, here or in another worker.
 */
#pragma once

#include "worker.h"

struct gates {
    struct gate *at; /* ours */
    size_t count;
    struct worker *worker; /* borrowed */
    unsigned long most;    /* sessions of this worker at a time */
    bool open, full;       /* full: out of descriptors */
    double told;           /* when that was last logged */
    struct event retry;    /* while a gate awaits a slot */
};

/* False: no memory. Each gate is the owner's to fill, then gates_watch() readies it. */
MUST bool gates_init(struct gates *g, struct worker *w, size_t count);
void gates_watch(struct gates *g, struct gate *gate, int fd);
void gates_clear(struct gates *g);

void gates_open(struct gates *g);
void gates_close(struct gates *g);

/* Descriptors or slots may be free again. */
void gates_retry(struct gates *g);
