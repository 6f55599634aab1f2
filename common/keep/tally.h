/* SPDX-License-Identifier: Apache-2.0
 *
 * tally - how many of something there are now, over all workers of all generations.
 *
 * Shared memory that the master makes for its children, cut into a part for each worker, which
 * that worker alone writes; the number of a key is the sum over all parts. There is no lock
 * that a killed worker could hold, and what it had counted goes with its part, which the master
 * clears. What is counted where nobody is (a part unused) costs one look.
 *
 * Numbers are bounded: two workers that reach for the last place at the same instant may both
 * go without, never both get it.
 */
#pragma once

#include <stdint.h>

#include "base/span.h"

struct tally;

/* The master's. Each part has room for `keys` keys at a time. NULL: no memory. */
struct tally *tally_new(unsigned parts, unsigned long keys);
void tally_free(struct tally **t);

/* What is counted, as a number: bytes that name it, such as a letter and an address. */
uint64_t tally_key(const struct tally *t, struct span name);

/* One more, if that makes no more than `most` over all. False: not counted. `part` is the
 * caller's own. */
MUST bool tally_take(struct tally *t, unsigned part, uint64_t key, unsigned long most);

/* One that this part has taken is no more. */
void tally_give(struct tally *t, unsigned part, uint64_t key);

/* How many there are. */
unsigned long tally_count(const struct tally *t, uint64_t key);

/* The master: this worker is dead. */
void tally_clear(struct tally *t, unsigned part);
