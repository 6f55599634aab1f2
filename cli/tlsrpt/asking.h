/* SPDX-License-Identifier: Apache-2.0
 *
 * asking - asks DNS where reports about many domains are wanted, many at a time.
 */
#pragma once

#include "cli/tlsrpt/rua.h"
#include "dns/resolve.h"

struct asking {
    const char *domain; /* borrowed */
    bool unknown;       /* nobody said */
    struct rua_record record;
};

/* Fills in `at`, whose domains are there, and returns when all is known. */
void asking_run(struct event_base *base, struct resolve *r, struct asking *at, size_t count);
