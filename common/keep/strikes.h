/* SPDX-License-Identifier: Apache-2.0
 *
 * strikes - who has failed how often, over all workers, until the time for it is over.
 *
 * A window begins with the first failure of a key and lasts as long as its rate says. Shared
 * memory of one size that the master makes for its children and all of them write: each entry
 * is one word, changed in one step, so nobody waits and a killed worker leaves nothing half
 * done. It outlives workers and reloads.
 *
 * Where a place is needed and none is free or over, the entry with the fewest failures goes, the
 * oldest of these. So to be forgotten early takes tens of thousands of failures from as many
 * addresses, and whoever has failed most is the last to be forgotten.
 */
#pragma once

#include <stdint.h>

#include "rule/rate.h"

struct strikes;

/* NULL: no memory. */
struct strikes *strikes_new(void);
void strikes_free(struct strikes **s);

/* Who it is, as a number: the bytes of an address. */
uint64_t strikes_key(const struct strikes *s, struct span name);

/* `now` as clock_mono(). Has it failed as often as it may? */
bool strikes_is_out(const struct strikes *s, uint64_t key, const struct rate *rate, double now);

/* One more try, which is a failure unless strikes_pardon() says otherwise: so many at once are
 * no more than one after the other. False: it is out, and nothing was counted. */
MUST bool strikes_try(struct strikes *s, uint64_t key, const struct rate *rate, double now);
void strikes_pardon(struct strikes *s, uint64_t key, double now);
